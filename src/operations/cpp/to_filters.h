// Gradients of filters: sums over the images of a group, then over the groups in their order.
#pragma once

#include <functional>
#include <vector>

#include "prepare.h"
#include "winograd.h"

namespace operations {

// Some images and their gradients as products read them.
struct Batch {
  int64_t image, images;
  const float *x, *gradient;
  Ahead ahead;
};

class ToFilters {
 public:
  // Groups of images, and of filters where nothing else is made of the same gradients.
  ToFilters(const Convolution& shape, bool alone);

  int64_t pieces() const { return groups * splits; }

  struct Piece {
    int64_t image, end, first, filters;  // images until the end, and filters
  };
  Piece piece(int64_t number) const;

  // Calls a function with one batch of a piece after the other.
  using Batches = std::function<void(const std::function<void(const Batch&)>&)>;
  // Adds the sums of a piece. If the Winograd form was not finite, the batches are computed again.
  void add(int64_t number, const GradientLayout& layout, const Batches& batches);

  void write(const Workers& workers, float* dfilters) const;

 private:
  void plain(const Batch& batch, const GradientLayout& layout, float* to) const;
  void at_points(const Batch& batch, const GradientLayout& layout, float* to) const;

  const Convolution shape, seen;
  const bool points;
  const int64_t columns, size, panels;
  int64_t groups, splits;
  std::vector<Run> runs;
  std::vector<float> sums;
};

}  // namespace operations

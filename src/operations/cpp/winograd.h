// Convolutions by 3x3 windows in single steps with fewer products: the 2x2 results of a tile come from the 4x4 values
// that it sees by 16 products, at so many points, where plain sums take 36. This is F(2x2, 3x3) of Lavin and Gray,
// https://arxiv.org/abs/1509.09308. All factors before and after are 1 and 1/2, and sums are shorter, so results are no
// less exact than plain sums.
//
// Values that are infinite, or become so in between, spread over a tile: functions report this, and plain sums are used
// instead.
#pragma once

#include <cstdint>
#include <vector>

#include "ahead.h"
#include "product.h"
#include "shape.h"
#include "taps.h"

namespace operations {

constexpr int64_t POINTS = 16;

// Whether a convolution is one of these.
bool has_points(const Convolution& shape);

// The convolution, or one whose results are whole tiles, so that padded images hold all that these see.
Convolution seen_by_products(const Convolution& shape);

// Filters at the points, each as panels of `rows` rows.
class PointFilters {
 public:
  PointFilters(const Workers& workers, const Packed& packed, int64_t rows, int64_t columns);

  const float* panel(int64_t point, int64_t filter) const { return values.data() + point * size + filter * depth; }
  int64_t rows() const { return depth; }

 private:
  int64_t depth, size;
  std::vector<float> values;
};

// Maps in memory: where, and how far apart images, rows and places lie.
template <typename Number>
struct Maps {
  Number* at;
  int64_t image, row, place;
};

// Results of a convolution: images, and their sides.
struct Results {
  int64_t images, rows, columns;
};

// y = finish(convolution) for `filters` filters from `first` on. False where a sum was not finite.
bool convolve(const Maps<const float>& x, const PointFilters& points, int64_t first, int64_t filters,
              const Results& results, const Maps<float>& y, const Finish& finish, Ahead ahead);

// Adds to the sums, [point, channel, columns], what filters' gradients are made of; y has those of `columns` results.
void correlate(const Maps<const float>& x, int64_t channels, const Maps<const float>& y, int64_t columns,
               const Results& results, float* sums, Ahead ahead);

// Adds the filters' gradients, [window, channel, columns]. False where one is not finite; then nothing is added.
bool filters_of_points(const float* sums, int64_t size, float* gradient);

}  // namespace operations

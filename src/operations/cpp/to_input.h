// The input's gradient: a convolution of the gradients for each phase of rows and of columns.
#pragma once

#include <memory>
#include <vector>

#include "prepare.h"
#include "taps.h"
#include "winograd.h"

namespace operations {

class ToInput {
 public:
  ToInput(const Workers& workers, const Convolution& shape, const float* filters);

  // Writes the gradients of some channels of some images; dx and the addend begin at the first of them.
  void write(const float* gradient, const GradientLayout& layout, int64_t images, int64_t from, int64_t to, float* dx,
             const float* addend, const Ahead& ahead) const;

 private:
  struct Part {
    Phase row, column;
    std::vector<Run> runs;
    Parts parts;
    Packed packed;
  };
  const Convolution& shape;
  std::vector<Part> phases_of_both;
  std::unique_ptr<PointFilters> points;
};

}  // namespace operations

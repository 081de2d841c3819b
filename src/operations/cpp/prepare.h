// Inputs of products: images and gradients with zero padding.
#pragma once

#include "shape.h"
#include "taps.h"

namespace operations {

// By channel: relu(scale * x + shift) in place of x. Absent if the pointers are null.
struct Prologue {
  const float *scale = nullptr, *shift = nullptr;
};

// Padded images, in `to`; or the images themselves where nothing is to be done.
const float* prepared(const float* x, const Convolution& shape, int64_t images, const Prologue& prologue, float* to);

// How the gradient of a convolution's output follows from that of later layers; absent arrays are null.
//   masked = dy where y > 0 and below the ceiling, or where mask_scale z + mask_shift > 0, or everywhere
//   gradient = by_gradient masked + by_value z + constant, or masked
struct After {
  const float *dy = nullptr, *y = nullptr, *z = nullptr;
  const float *mask_scale = nullptr, *mask_shift = nullptr;
  const float *by_gradient = nullptr, *by_value = nullptr, *constant = nullptr;
  float* masked = nullptr;
  float ceiling = NAN;  // of the ReLU that gave y; NaN is none

  // The same, further on by so many values.
  After at(int64_t values) const;
};

// Gradients with margins of zeros, for some of the filters: [image, row, column, columns rounded up].
struct GradientLayout {
  Margin rows, columns;
  int64_t filters, row, image;

  GradientLayout(const Convolution& shape, Margin rows, Margin columns, int64_t filters);
  // Of the first gradient behind the margins.
  int64_t begin() const { return rows.before * row + columns.before * filters; }
};

// With the margins that products need: those of filters' gradients, and those of the input's.
GradientLayout gradient_layout(const Convolution& shape, bool to_input, int64_t filters);

// Inputs of one phase of rows and one of columns, and where among the gradients theirs comes from.
struct InputPhase {
  Phase row, column;
  std::vector<Tap> taps;
};
std::vector<InputPhase> input_phases(const Convolution& shape, const GradientLayout& layout);

// Writes the gradients of the filters from `first` on, `count` of them.
void prepare(const After& after, const Convolution& shape, int64_t images, int64_t first, int64_t count,
             const GradientLayout& layout, float* to);

// Writes the gradients of one image as they lie in the maps.
void prepare(const After& after, int64_t places, int64_t channels, float* to);

}  // namespace operations

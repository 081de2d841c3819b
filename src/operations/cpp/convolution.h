// Convolutions and their gradients, alone or together with the normalization around them.
#pragma once

#include "norm.h"
#include "prepare.h"
#include "product.h"
#include "shape.h"
#include "work.h"

namespace operations {

struct Forward {
  const float *x, *filters;
  Prologue prologue;
  Finish finish;
  float *y, *mean, *variance;  // the moments of y; null if not needed
};

void forward(const Workers& workers, const Convolution& shape, const Forward& arrays);

struct Backward {
  const float *x, *filters;
  Prologue prologue;
  After after;
  const float* addend;                            // added to the gradient of the input; may be null
  const float* x_mean;                            // for the sums
  float *dx, *dfilters, *sum, *sum_of_distances;  // null if not needed
};

// Gradients of the prologue's output and of the filters, in one pass over the images if both are needed. The sums are
// those of the input's gradient where the prologue's ReLU is open (`Gathered::sums`).
void backward(const Workers& workers, const Convolution& shape, const Backward& arrays);

// The sums of one image's gradients where the prologue's ReLU is open.
void gather(const Convolution& shape, const Backward& arrays, int64_t image, Gathered& gathered);

// Places of maps in the order that keeps the innermost loop long.
Places arranged(const Axis& images, const Axis& rows, const Axis& columns);

}  // namespace operations

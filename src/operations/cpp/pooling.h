// Max- and average-pooling and their gradients. Maps are [image, row, column, channel].
#pragma once

#include "shape.h"
#include "work.h"

namespace operations {

// Sides have no dilation. Windows may overlap, leave gaps, and extend beyond the edges; values outside are ignored.
struct Pooling {
  int64_t images, channels;
  Side rows, columns;

  int64_t places() const { return rows.out * columns.out; }
  int64_t input() const { return rows.size * columns.size * channels; }
};

// The largest value that each window sees, NaN if one is; minus infinity where it sees none. And the number of its
// first place in the window, which has at most 256.
void max_pool(const Workers& workers, const Pooling& shape, const float* x, float* y, uint8_t* first);

// Each gradient goes to that place.
void max_pool_back(const Workers& workers, const Pooling& shape, const uint8_t* first, const float* dy, float* dx);

// The mean of the values that each window sees, or their sum divided by the size of the whole window.
void average_pool(const Workers& workers, const Pooling& shape, bool whole, const float* x, float* y);
void average_pool_back(const Workers& workers, const Pooling& shape, bool whole, const float* dy, float* dx);

}  // namespace operations

// The places of a window, and filters in the order in which products read them.
#pragma once

#include <cstdint>
#include <vector>

#include "product.h"
#include "shape.h"
#include "work.h"

namespace operations {

// A place of the window: where it lies from where the window stands, in values, and its number in the filters.
struct Tap {
  int64_t start, number;
};

// Taps that follow each other without a gap are one run.
std::vector<Run> joined(const std::vector<Tap>& taps, int64_t length);

// Taps of a convolution over padded images.
std::vector<Tap> taps(const Convolution& shape);

// Sources of the gradient of an input. Inputs with equal positions modulo the stride form a phase: they read outputs at
// the same distances through the same taps of the window.
struct Phase {
  int64_t first, count;                               // inputs first, first + stride, ...
  std::vector<std::pair<int64_t, int64_t>> distance;  // of the output from the phase's own number, and the tap
};
std::vector<Phase> phases(const Side& side);

// Outputs outside the maps that phases reach for: zeros before and after them.
struct Margin {
  int64_t before, after;
};
Margin margin(const Side& side, const std::vector<Phase>& phases);

// Filters as panels of two vectors, a row for each value that is seen, filled up with zeros.
class Packed {
 public:
  // Filters as they are, [depth, filters].
  Packed(const Workers& workers, const float* filters, int64_t depth, int64_t columns);
  // Some taps' filters with inputs and outputs exchanged: [taps, filters rounded up, channels].
  Packed(const Workers& workers, const float* filters, const Convolution& shape, const std::vector<Tap>& taps);

  // The panel that begins with a filter.
  const float* panel(int64_t filter) const { return values + filter * depth; }

 private:
  int64_t depth;
  std::vector<float> own;
  const float* values;
};

}  // namespace operations

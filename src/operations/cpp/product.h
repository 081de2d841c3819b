// The two inner products of convolutions.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "shape.h"

namespace operations {

// Consecutive values among those that a place sees; the start is counted from the place. Where a run ends a sum, what
// was added up so far is put aside.
struct Run {
  int64_t start, length;
  bool ends = false;
};

// Runs cut into parts whose filters stay in the cache, and these into sums of at most so many terms, of about equal
// length: long sums lose digits. XLA adds up about as many at a time.
using Parts = std::vector<std::vector<Run>>;
constexpr int64_t LONGEST = 320;
Parts cut(const std::vector<Run>& runs, int64_t longest = LONGEST);

// One of three nested loops over places: how many, and how far apart they lie on either side.
struct Axis {
  int64_t count, x, y;
};

struct Places {
  Axis outer, middle, inner;
};

// The epilogue of a sum: bias by filter, an addend of the result's shape, ReLU. Or the sum is added to the stored
// value.
struct Finish {
  const float *bias = nullptr, *addend = nullptr;
  bool relu = false, onto = false;
  float ceiling = NAN;  // of the ReLU; NaN is none

  bool writes_only() const { return !bias && !addend && !relu && !onto; }
};

// Filters are computed in panels of two vectors; the last may have one, whose lanes need not all be used.

// y[place] = finish(sum over what the place sees of x[place] * packed), for `filters` filters of packed panels.
void product(const float* x, const Places& places, const Parts& parts, const float* packed, int64_t filters, float* y,
             const Finish& finish);

// sums[k, :] += sum over places of x[place, k] * y[place, :], k over what a place sees. Rows of `sums` have `columns`
// values, a multiple of the vector's width; those of y have at least as many.
void outer_product(const float* x, const Places& places, const std::vector<Run>& runs, const float* y, int64_t columns,
                   float* sums);

}  // namespace operations

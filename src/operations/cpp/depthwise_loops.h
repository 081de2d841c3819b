// The two inner sums of depthwise convolutions.
#pragma once

#include <vector>

#include "product.h"
#include "taps.h"

namespace operations {

// Places of one image.
struct Area {
  Axis rows, columns;
};

// y[place] = finish(sum over taps of x[place + tap] * filters[tap]), channel by channel.
void filtered(const float* x, const Area& area, const std::vector<Tap>& taps, const float* filters, int64_t channels,
              float* y, const Finish& finish);

// sums[tap] += sum over places of x[place + tap] * y[place], channel by channel. Rows of `sums`, and the places of y,
// have at least as many values as whole vectors of channels.
void correlated(const float* x, const Area& area, const std::vector<Tap>& taps, const float* y, int64_t channels,
                float* sums, int64_t columns);

}  // namespace operations

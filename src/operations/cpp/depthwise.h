// Depthwise convolutions and their gradients. Filters are [row, column, 1, channel].
#pragma once

#include "convolution.h"

namespace operations {

void depthwise_forward(const Workers& workers, const Convolution& shape, const Forward& arrays);
void depthwise_backward(const Workers& workers, const Convolution& shape, const Backward& arrays);

}  // namespace operations

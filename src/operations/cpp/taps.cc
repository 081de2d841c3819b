#include "taps.h"

#include <algorithm>

#include "vector.h"

namespace operations {

std::vector<Run> joined(const std::vector<Tap>& taps, int64_t length) {
  std::vector<Run> runs;
  for (const Tap& tap : taps)
    if (!runs.empty() && runs.back().start + runs.back().length == tap.start)
      runs.back().length += length;
    else
      runs.push_back({tap.start, length});
  return runs;
}

std::vector<Tap> taps(const Convolution& shape) {
  std::vector<Tap> all;
  for (int64_t row = 0; row < shape.rows.window; row++)
    for (int64_t column = 0; column < shape.columns.window; column++)
      all.push_back({row * shape.rows.dilation * shape.padded_row() + column * shape.columns.dilation * shape.channels,
                     row * shape.columns.window + column});
  return all;
}

std::vector<Phase> phases(const Side& side) {
  std::vector<Phase> all;
  for (int64_t first = 0; first < std::min(side.stride, side.size); first++) {
    Phase phase{first, (side.size - first + side.stride - 1) / side.stride, {}};
    for (int64_t tap = side.window - 1; tap >= 0; tap--) {  // so that distances grow
      const int64_t from = first + side.before - tap * side.dilation;
      if (from % side.stride == 0) phase.distance.push_back({from / side.stride, tap});
    }
    all.push_back(phase);
  }
  return all;
}

Margin margin(const Side& side, const std::vector<Phase>& phases) {
  Margin all{0, 0};
  for (const Phase& phase : phases)
    for (const auto& [distance, tap] : phase.distance) {
      all.before = std::max(all.before, -distance);
      all.after = std::max(all.after, phase.count - 1 + distance - (side.out - 1));
    }
  return all;
}

Packed::Packed(const Workers& workers, const float* filters, int64_t depth, int64_t columns)
    : depth(depth), values(filters) {
  if (columns == WIDTH || columns == 2 * WIDTH) return;  // one whole panel already
  const int64_t whole = rounded_up(columns, WIDTH);
  own.resize(depth * whole);
  workers.each((whole + 2 * WIDTH - 1) / (2 * WIDTH), [&](int64_t panel) {
    const int64_t first = panel * 2 * WIDTH, width = std::min(2 * WIDTH, whole - first);
    float* to = own.data() + first * depth;
    for (int64_t row = 0; row < depth; row++, to += width)
      std::copy_n(filters + row * columns + first, std::min(width, columns - first), to);
  });
  values = own.data();
}

Packed::Packed(const Workers& workers, const float* filters, const Convolution& shape, const std::vector<Tap>& taps)
    : depth(int64_t(taps.size()) * rounded_up(shape.filters, WIDTH)) {
  const int64_t whole = rounded_up(shape.channels, WIDTH), rows = rounded_up(shape.filters, WIDTH);
  own.resize(depth * whole);
  const int64_t panels = (whole + 2 * WIDTH - 1) / (2 * WIDTH);
  workers.each(int64_t(taps.size()) * panels, [&](int64_t piece) {
    const int64_t tap = piece / panels, first = piece % panels * 2 * WIDTH;
    const int64_t width = std::min(2 * WIDTH, whole - first), used = std::min(width, shape.channels - first);
    const float* from = filters + (taps[tap].number * shape.channels + first) * shape.filters;
    float* to = own.data() + first * depth + tap * rows * width;
    for (int64_t filter = 0; filter < shape.filters; filter++)
      for (int64_t channel = 0; channel < used; channel++)
        to[filter * width + channel] = from[channel * shape.filters + filter];
  });
  values = own.data();
}

}  // namespace operations

#include "depthwise.h"

#include <memory>

#include "depthwise_loops.h"
#include "vector.h"

namespace operations {
namespace {

// Gradients of one phase, and its inputs.
Area inputs(const Convolution& shape, const GradientLayout& layout, const InputPhase& phase) {
  return {{phase.row.count, layout.row, shape.rows.stride * shape.columns.size * shape.channels},
          {phase.column.count, layout.filters, shape.columns.stride * shape.channels}};
}

// Positions of the output, and those of another map of the same size.
Area outputs(const Convolution& shape, int64_t row, int64_t place) {
  return {{shape.rows.out, shape.rows.stride * shape.padded_row(), row},
          {shape.columns.out, shape.columns.stride * shape.channels, place}};
}

// The filters' gradient from the sums of every group of images.
void put_filters(const Convolution& shape, const std::vector<float>& sums, int64_t groups, int64_t columns,
                 float* dfilters) {
  for (int64_t tap = 0; tap < shape.depth(); tap++)
    by_vectors(shape.channels, [&](int64_t c, auto lanes) {
      Vector sum = {};
      for (int64_t group = 0; group < groups; group++)
        sum += load(sums.data() + (group * shape.depth() + tap) * columns + c);
      store(dfilters + tap * shape.channels + c, sum, lanes);
    });
}

}  // namespace

void depthwise_forward(const Workers& workers, const Convolution& shape, const Forward& a) {
  const std::vector<Tap> all = taps(shape);
  const Area area = outputs(shape, shape.columns.out * shape.channels, shape.channels);
  const auto gathered = a.mean ? std::make_unique<Gathered>(shape.images, shape.channels) : nullptr;
  workers.each(shape.images, [&](int64_t image) {
    const float* x = prepared(a.x + image * shape.input(), shape, 1, a.prologue, scratch(IMAGES, shape.padded_image()));
    Finish finish = a.finish;
    if (finish.addend) finish.addend += image * shape.output();
    float* y = a.y + image * shape.output();
    filtered(x, area, all, a.filters, shape.channels, y, finish);
    if (gathered) gathered->moments(image, y, shape.places(), 0, shape.channels);
  });
  if (gathered) gathered->put_moments(shape.places(), a.mean, a.variance);
}

void depthwise_backward(const Workers& workers, const Convolution& shape, const Backward& a) {
  const GradientLayout layout = gradient_layout(shape, a.dx != nullptr, shape.channels);
  const auto phases = a.dx ? input_phases(shape, layout) : std::vector<InputPhase>{};
  const std::vector<Tap> all = taps(shape);
  const Area area = outputs(shape, layout.row, layout.filters);
  const auto gathered = a.sum ? std::make_unique<Gathered>(shape.images, shape.channels) : nullptr;
  const int64_t groups = std::min<int64_t>(shape.images, 16), size = shape.depth() * layout.filters;
  std::vector<float> sums(a.dfilters ? groups * size : 0);

  workers.each(groups, [&](int64_t group) {
    for (int64_t image = shape.images * group / groups; image < shape.images * (group + 1) / groups; image++) {
      const int64_t begin = image * shape.input();
      float* gradient = scratch(GRADIENT, layout.image);
      prepare(a.after.at(image * shape.output()), shape, 1, 0, shape.channels, layout, gradient);
      for (const InputPhase& phase : phases) {
        const int64_t first = begin + (phase.row.first * shape.columns.size + phase.column.first) * shape.channels;
        filtered(gradient + layout.begin(), inputs(shape, layout, phase), phase.taps, a.filters, shape.channels,
                 a.dx + first, {nullptr, a.addend ? a.addend + first : nullptr, false, false});
      }
      if (gathered) gather(shape, a, image, *gathered);
      if (!a.dfilters) continue;
      const float* x = prepared(a.x + begin, shape, 1, a.prologue, scratch(IMAGES, shape.padded_image()));
      correlated(x, area, all, gradient + layout.begin(), shape.channels, sums.data() + group * size, layout.filters);
    }
  });
  if (a.dfilters) put_filters(shape, sums, groups, layout.filters, a.dfilters);
  if (gathered) gathered->put_sums(a.sum, a.sum_of_distances);
}

}  // namespace operations

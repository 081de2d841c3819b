#include "to_filters.h"

#include <algorithm>

#include "vector.h"
#include "work.h"

namespace operations {

ToFilters::ToFilters(const Convolution& shape, bool alone)
    : shape(shape),
      seen(seen_by_products(shape)),
      points(has_points(shape)),
      columns(rounded_up(shape.filters, WIDTH)),
      size(shape.depth() * columns),
      panels((shape.filters + 2 * WIDTH - 1) / (2 * WIDTH)),
      runs(joined(taps(seen), shape.channels)) {
  // Many groups where the sums are small, one where they fill the caches.
  constexpr int64_t MOST = 16, FLOATS = 1 << 20;
  groups = std::min({MOST, shape.images, std::max<int64_t>(1, FLOATS / size)});
  splits = alone ? std::min(panels, std::max<int64_t>(1, MOST / groups)) : 1;
  sums.resize(groups * size);
}

ToFilters::Piece ToFilters::piece(int64_t number) const {
  const int64_t group = number / splits, split = number % splits;
  const int64_t first = panels * split / splits * 2 * WIDTH, end = panels * (split + 1) / splits * 2 * WIDTH;
  return {shape.images * group / groups, shape.images * (group + 1) / groups, first,
          std::min(shape.filters, end) - first};
}

void ToFilters::plain(const Batch& batch, const GradientLayout& layout, float* to) const {
  const Places places{{batch.images, seen.padded_image(), layout.image},
                      {shape.rows.out, shape.rows.stride * seen.padded_row(), layout.row},
                      {shape.columns.out, shape.columns.stride * shape.channels, layout.filters}};
  outer_product(batch.x, places, runs, batch.gradient + layout.begin(), layout.filters, to);
}

void ToFilters::at_points(const Batch& batch, const GradientLayout& layout, float* to) const {
  correlate({batch.x, seen.padded_image(), seen.padded_row(), shape.channels}, shape.channels,
            {batch.gradient + layout.begin(), layout.image, layout.row, layout.filters}, layout.filters,
            {batch.images, shape.rows.out, shape.columns.out}, to, batch.ahead);
}

void ToFilters::add(int64_t number, const GradientLayout& layout, const Batches& batches) {
  const Piece own = piece(number);
  float* group = sums.data() + number / splits * size;
  std::vector<float> split(splits > 1 ? shape.depth() * layout.filters : 0);
  float* to = splits > 1 ? split.data() : group;
  const int64_t each = shape.channels * layout.filters;
  float* at = points ? scratch(POINT_SUMS, POINTS * each) : nullptr;
  if (points) std::fill_n(at, POINTS * each, 0.0f);
  batches([&](const Batch& batch) { points ? at_points(batch, layout, at) : plain(batch, layout, to); });
  if (points && !filters_of_points(at, each, to)) batches([&](const Batch& batch) { plain(batch, layout, to); });
  if (splits > 1)
    for (int64_t k = 0; k < shape.depth(); k++)
      std::copy_n(to + k * layout.filters, own.filters, group + k * columns + own.first);
}

void ToFilters::write(const Workers& workers, float* dfilters) const {
  workers.each(shape.rows.window * shape.columns.window, [&](int64_t tap) {
    for (int64_t k = tap * shape.channels; k < (tap + 1) * shape.channels; k++)
      for (int64_t c = 0; c < shape.filters; c += WIDTH) {
        Vector sum = load(sums.data() + k * columns + c);
        for (int64_t group = 1; group < groups; group++) sum += load(sums.data() + group * size + k * columns + c);
        store(dfilters + k * shape.filters + c, sum, std::min(WIDTH, shape.filters - c));
      }
  });
}

}  // namespace operations

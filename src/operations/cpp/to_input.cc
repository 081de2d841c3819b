#include "to_input.h"

#include "convolution.h"
#include "vector.h"

namespace operations {

ToInput::ToInput(const Workers& workers, const Convolution& shape, const float* filters) : shape(shape) {
  const GradientLayout layout = gradient_layout(shape, true, shape.filters);
  // Behind strides XLA adds up tap by tap.
  const bool strided = shape.rows.stride * shape.columns.stride > 1;
  const int64_t longest = strided ? std::clamp<int64_t>(layout.filters, 32, LONGEST) : LONGEST;
  for (const auto& [row, column, taps] : input_phases(shape, layout)) {
    const std::vector<Run> runs = joined(taps, layout.filters);
    phases_of_both.push_back({row, column, runs, cut(runs, longest), Packed(workers, filters, shape, taps)});
  }
  if (has_points(shape))
    points = std::make_unique<PointFilters>(workers, phases_of_both[0].packed, layout.filters, shape.channels);
}

void ToInput::write(const float* gradient, const GradientLayout& layout, int64_t images, int64_t from, int64_t to,
                    float* dx, const float* addend, const Ahead& ahead) const {
  const int64_t step = shape.channels, row = shape.columns.size * shape.channels;
  const float* begin = gradient + layout.begin();
  for (const Part& part : phases_of_both) {
    if (points && convolve({begin + part.runs[0].start, layout.image, layout.row, layout.filters}, *points, from,
                           to - from, {images, shape.rows.size, shape.columns.size}, {dx, shape.input(), row, step},
                           {nullptr, addend, false, false}, ahead))
      continue;
    const Places places =
        arranged({images, layout.image, shape.input()}, {part.row.count, layout.row, shape.rows.stride * row},
                 {part.column.count, layout.filters, shape.columns.stride * step});
    const int64_t first = part.row.first * row + part.column.first * step;
    product(begin, places, part.parts, part.packed.panel(from), to - from, dx + first,
            {nullptr, addend ? addend + first : nullptr, false, false});
  }
}

}  // namespace operations

#include <memory>

#include "convolution.h"
#include "taps.h"
#include "vector.h"

namespace operations {
namespace {

// The input's gradient: a convolution of the gradients for each phase of rows and of columns.
class ToInput {
 public:
  ToInput(const Workers& workers, const Convolution& shape, const float* filters) : shape(shape) {
    const std::vector<Phase> rows = phases(shape.rows), columns = phases(shape.columns);
    const GradientLayout layout(shape, margin(shape.rows, rows), margin(shape.columns, columns), shape.filters);
    for (const Phase& row : rows)
      for (const Phase& column : columns) {
        std::vector<Tap> all;
        for (const auto& [down, tap_row] : row.distance)
          for (const auto& [right, tap_column] : column.distance)
            all.push_back({down * layout.row + right * layout.filters, tap_row * shape.columns.window + tap_column});
        parts.push_back({row, column, joined(all, layout.filters), Packed(workers, filters, shape, all)});
      }
  }

  // Some channels of some images' gradients; dx and the addend are at the first channel of the first image.
  void add(const float* gradient, const GradientLayout& layout, int64_t images, int64_t from, int64_t to, float* dx,
           const float* addend) const {
    const int64_t step = shape.channels, row = shape.columns.size * shape.channels;
    for (const Part& part : parts) {
      const Places places = arranged({images, layout.image, shape.input()},
                                     {part.row.count, layout.row, shape.rows.stride * row},
                                     {part.column.count, layout.filters, shape.columns.stride * step});
      const int64_t first = part.row.first * row + part.column.first * step;
      product(gradient + layout.begin(), places, part.runs, part.packed.panel(from), to - from, dx + first,
              {nullptr, addend ? addend + first : nullptr, false});
    }
  }

 private:
  struct Part {
    Phase row, column;
    std::vector<Run> runs;
    Packed packed;
  };
  const Convolution& shape;
  std::vector<Part> parts;
};

// So many groups of images have sums of their own: many where the sums are small, one where they fill the caches.
int64_t groups_of_sums(const Convolution& shape, int64_t size) {
  constexpr int64_t MOST = 16, FLOATS = 1 << 20;
  return std::min({MOST, shape.images, std::max<int64_t>(1, FLOATS / size)});
}

void input_gradient(const Workers& workers, const Convolution& shape, const Backward& a, const GradientLayout& layout,
                    const ToInput& to_input) {
  const int64_t panels = (shape.channels + 2 * WIDTH - 1) / (2 * WIDTH);
  const Pieces pieces(shape.images, shape.rows.size * shape.columns.size, panels);
  workers.each(pieces.count(), [&](int64_t piece) {
    const int64_t image = piece / pieces.splits * pieces.together, split = piece % pieces.splits;
    const int64_t images = std::min(pieces.together, shape.images - image);
    const int64_t from = panels * split / pieces.splits * 2 * WIDTH;
    const int64_t to = std::min(shape.channels, panels * (split + 1) / pieces.splits * 2 * WIDTH);
    float* gradient = scratch(GRADIENT, images * layout.image);
    prepare(a.after.at(image * shape.output()), shape, images, 0, shape.filters, layout, gradient);
    const int64_t begin = image * shape.input() + from;
    to_input.add(gradient, layout, images, from, to, a.dx + begin, a.addend ? a.addend + begin : nullptr);
  });
}

}  // namespace

void backward(const Workers& workers, const Convolution& shape, const Backward& a) {
  std::unique_ptr<ToInput> to_input;
  Margin above{0, 0}, beside{0, 0};
  if (a.dx) {
    to_input = std::make_unique<ToInput>(workers, shape, a.filters);
    above = margin(shape.rows, phases(shape.rows));
    beside = margin(shape.columns, phases(shape.columns));
  }
  const GradientLayout all(shape, above, beside, shape.filters);
  if (!a.dfilters) return input_gradient(workers, shape, a, all, *to_input);

  const std::vector<Run> runs = joined(taps(shape), shape.channels);
  const int64_t size = shape.depth() * all.filters;
  const int64_t groups = groups_of_sums(shape, size), panels = (shape.filters + 2 * WIDTH - 1) / (2 * WIDTH);
  const int64_t splits = a.dx ? 1 : std::min(panels, std::max<int64_t>(1, 16 / groups));
  const int64_t together = Pieces(shape.images, shape.places(), 1).together;
  std::vector<float> sums(groups * size);
  std::unique_ptr<Gathered> gathered;
  if (a.sum) gathered = std::make_unique<Gathered>(shape.images, shape.channels);

  workers.each(groups * splits, [&](int64_t piece) {
    const int64_t group = piece / splits, split = piece % splits;
    const int64_t first = panels * split / splits * 2 * WIDTH;
    const int64_t count = std::min(shape.filters, panels * (split + 1) / splits * 2 * WIDTH) - first;
    const GradientLayout layout(shape, above, beside, count);
    std::vector<float> own(splits > 1 ? shape.depth() * layout.filters : 0);
    float* part = splits > 1 ? own.data() : sums.data() + group * size;
    const int64_t end = shape.images * (group + 1) / groups;
    for (int64_t image = shape.images * group / groups; image < end; image += together) {
      const int64_t images = std::min(together, end - image);
      float* gradient = scratch(GRADIENT, images * layout.image);
      prepare(a.after.at(image * shape.output()), shape, images, first, count, layout, gradient);
      const float* x = prepared(a.x + image * shape.input(), shape, images, a.prologue,
                                scratch(IMAGES, images * shape.padded_image()));
      const Places places{{images, shape.padded_image(), layout.image},
                          {shape.rows.out, shape.rows.stride * shape.padded_row(), layout.row},
                          {shape.columns.out, shape.columns.stride * shape.channels, layout.filters}};
      outer_product(x, places, runs, gradient + layout.begin(), layout.filters, part);
      if (!a.dx) continue;
      const int64_t begin = image * shape.input();
      to_input->add(gradient, layout, images, 0, shape.channels, a.dx + begin, a.addend ? a.addend + begin : nullptr);
      for (int64_t i = image; gathered && i < image + images; i++) {
        After seen;
        seen.dy = a.dx + i * shape.input();
        seen.z = a.x + i * shape.input();
        seen.mask_scale = a.prologue.scale;
        seen.mask_shift = a.prologue.shift;
        gathered->sums(i, seen, a.x_mean, shape.rows.size * shape.columns.size);
      }
    }
    if (splits > 1)
      for (int64_t k = 0; k < shape.depth(); k++)
        std::copy_n(part + k * layout.filters, count, sums.data() + group * size + k * all.filters + first);
  });

  workers.each(shape.rows.window * shape.columns.window, [&](int64_t tap) {
    for (int64_t k = tap * shape.channels; k < (tap + 1) * shape.channels; k++)
      for (int64_t c = 0; c < shape.filters; c += WIDTH) {
        Vector sum = load(sums.data() + k * all.filters + c);
        for (int64_t group = 1; group < groups; group++) sum += load(sums.data() + group * size + k * all.filters + c);
        store(a.dfilters + k * shape.filters + c, sum, std::min(WIDTH, shape.filters - c));
      }
  });
  if (gathered) gathered->put_sums(a.sum, a.sum_of_distances);
}

}  // namespace operations

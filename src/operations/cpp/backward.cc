#include <memory>

#include "convolution.h"
#include "depthwise.h"
#include "to_filters.h"
#include "to_input.h"
#include "vector.h"

namespace operations {
namespace {

// Memory that the next images read for gradients of filters.
Ahead ahead_for_filters(const Convolution& shape, const Backward& a, int64_t image, int64_t images) {
  const After after = a.after.at(image * shape.output());
  Ahead ahead;
  ahead.read(a.x + image * shape.input(), images * shape.input());
  for (const float* read : {after.dy, after.y, after.z}) ahead.read(read, images * shape.output());
  return ahead;
}

// Additional memory that they read and write for the gradient of the input.
Ahead ahead_for_input(const Convolution& shape, const Backward& a, int64_t image, int64_t images) {
  Ahead ahead;
  ahead.write(a.after.masked ? a.after.masked + image * shape.output() : nullptr, images * shape.output());
  ahead.read(a.addend ? a.addend + image * shape.input() : nullptr, images * shape.input());
  ahead.write(a.dx + image * shape.input(), images * shape.input());
  return ahead;
}

void input_gradient(const Workers& workers, const Convolution& shape, const Backward& a) {
  const ToInput to_input(workers, shape, a.filters);
  const GradientLayout layout = gradient_layout(shape, true, shape.filters);
  const Pieces pieces(shape.images, shape.rows.size * shape.columns.size, shape.channels);
  workers.each(pieces.count(), [&](int64_t number) {
    const auto [image, images, from, to] = pieces.piece(number);
    float* gradient = scratch(GRADIENT, images * layout.image);
    prepare(a.after.at(image * shape.output()), shape, images, 0, shape.filters, layout, gradient);
    const int64_t begin = image * shape.input() + from;
    const int64_t next = image + images, coming = std::min(pieces.together, shape.images - next);
    const Ahead ahead = ahead_for_input(shape, a, next, coming);
    to_input.write(gradient, layout, images, from, to, a.dx + begin, a.addend ? a.addend + begin : nullptr, ahead);
  });
}

}  // namespace

void gather(const Convolution& shape, const Backward& a, int64_t image, Gathered& gathered) {
  After seen;
  seen.dy = a.dx + image * shape.input();
  seen.z = a.x + image * shape.input();
  seen.mask_scale = a.prologue.scale;
  seen.mask_shift = a.prologue.shift;
  gathered.sums(image, seen, a.x_mean, shape.rows.size * shape.columns.size);
}

void backward(const Workers& workers, const Convolution& shape, const Backward& a) {
  if (shape.depthwise) return depthwise_backward(workers, shape, a);
  if (!a.dfilters) return input_gradient(workers, shape, a);
  const auto to_input = a.dx ? std::make_unique<ToInput>(workers, shape, a.filters) : nullptr;
  const auto gathered = a.sum ? std::make_unique<Gathered>(shape.images, shape.channels) : nullptr;
  ToFilters to_filters(shape, !a.dx);
  const Convolution seen = seen_by_products(shape);
  const int64_t together = Pieces(shape.images, shape.places(), 1).together;

  workers.each(to_filters.pieces(), [&](int64_t number) {
    const ToFilters::Piece own = to_filters.piece(number);
    const GradientLayout layout = gradient_layout(shape, a.dx != nullptr, own.filters);
    to_filters.add(number, layout, [&](const auto& use) {
      for (int64_t image = own.image; image < own.end; image += together) {
        const int64_t images = std::min(together, own.end - image), begin = image * shape.input();
        float* gradient = scratch(GRADIENT, images * layout.image);
        prepare(a.after.at(image * shape.output()), shape, images, own.first, own.filters, layout, gradient);
        const float* x =
            prepared(a.x + begin, seen, images, a.prologue, scratch(IMAGES, images * seen.padded_image() + WIDTH));
        const int64_t next = image + images, coming = std::min(together, own.end - next);
        use({image, images, x, gradient, ahead_for_filters(shape, a, next, coming)});
        if (!a.dx) continue;
        to_input->write(gradient, layout, images, 0, shape.channels, a.dx + begin,
                        a.addend ? a.addend + begin : nullptr, ahead_for_input(shape, a, next, coming));
        for (int64_t i = image; gathered && i < image + images; i++) gather(shape, a, i, *gathered);
      }
    });
  });
  to_filters.write(workers, a.dfilters);
  if (gathered) gathered->put_sums(a.sum, a.sum_of_distances);
}

}  // namespace operations

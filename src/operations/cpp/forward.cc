#include <memory>

#include "convolution.h"
#include "depthwise.h"
#include "taps.h"
#include "vector.h"
#include "winograd.h"

namespace operations {

Places arranged(const Axis& images, const Axis& rows, const Axis& columns) {
  constexpr int64_t LONG = 6;
  if (columns.count >= LONG || columns.count >= images.count) return {images, rows, columns};
  return {rows, columns, images};
}

// What the images from one on read and write.
static Ahead ahead_of(const Convolution& shape, const Forward& a, int64_t image, int64_t together) {
  const int64_t images = std::min(together, shape.images - image), out = image * shape.output();
  Ahead ahead;
  ahead.read(a.x + image * shape.input(), images * shape.input());
  ahead.read(a.finish.addend ? a.finish.addend + out : nullptr, images * shape.output());
  ahead.write(a.y + out, images * shape.output());
  return ahead;
}

void forward(const Workers& workers, const Convolution& shape, const Forward& a) {
  if (shape.depthwise) return depthwise_forward(workers, shape, a);
  const Packed packed(workers, a.filters, shape.depth(), shape.filters);
  const std::unique_ptr<PointFilters> points =
      has_points(shape) ? std::make_unique<PointFilters>(workers, packed, shape.channels, shape.filters) : nullptr;
  const Convolution seen = seen_by_products(shape);
  const Parts parts = cut(joined(taps(seen), shape.channels));
  const Pieces pieces(shape.images, shape.places(), shape.filters);
  std::unique_ptr<Gathered> gathered;
  if (a.mean) gathered = std::make_unique<Gathered>(shape.images, shape.filters);

  workers.each(pieces.count(), [&](int64_t number) {
    const auto [image, images, from, to] = pieces.piece(number);
    const float* x = prepared(a.x + image * shape.input(), seen, images, a.prologue,
                              scratch(IMAGES, images * seen.padded_image() + WIDTH));
    const int64_t begin = image * shape.output() + from;
    const Finish finish{a.finish.bias ? a.finish.bias + from : nullptr,
                        a.finish.addend ? a.finish.addend + begin : nullptr, a.finish.relu, false, a.finish.ceiling};
    const Maps<float> y{a.y + begin, shape.output(), shape.columns.out * shape.filters, shape.filters};
    const Ahead ahead = ahead_of(shape, a, image + images, pieces.together);
    if (!points || !convolve({x, seen.padded_image(), seen.padded_row(), shape.channels}, *points, from, to - from,
                             {images, shape.rows.out, shape.columns.out}, y, finish, ahead))
      product(x,
              arranged({images, seen.padded_image(), y.image},
                       {shape.rows.out, shape.rows.stride * seen.padded_row(), y.row},
                       {shape.columns.out, shape.columns.stride * shape.channels, y.place}),
              parts, packed.panel(from), to - from, y.at, finish);
    if (gathered)
      for (int64_t i = image; i < image + images; i++)
        gathered->moments(i, a.y + i * shape.output(), shape.places(), from, to - from);
  });
  if (gathered) gathered->put_moments(shape.places(), a.mean, a.variance);
}

}  // namespace operations

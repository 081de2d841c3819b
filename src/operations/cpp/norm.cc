#include "norm.h"

#include <algorithm>

#include "vector.h"

namespace operations {

void Gathered::moments(int64_t image, const float* values, int64_t places, int64_t first, int64_t count) {
  float* to = parts.data() + 2 * image * channels;
  for (int64_t c = first; c < first + count; c += WIDTH) {
    const int64_t lanes = std::min(WIDTH, first + count - c);
    // Twice over the values: squares of distances lose nothing where all values are far from zero.
    Vector sum[2] = {}, squares[2] = {};
    for (int64_t place = 0; place < places; place++) sum[place & 1] += load(values + place * channels + c, lanes);
    const Vector mean = (sum[0] + sum[1]) / static_cast<float>(places);
    for (int64_t place = 0; place < places; place++) {
      const Vector distance = load(values + place * channels + c, lanes) - mean;
      squares[place & 1] += distance * distance;
    }
    store(to + c, mean, lanes);
    store(to + channels + c, squares[0] + squares[1], lanes);
  }
}

void Gathered::sums(int64_t image, const After& after, const float* mean, int64_t places) {
  float* to = parts.data() + 2 * image * channels;
  for (int64_t c = 0; c < channels; c += WIDTH) {
    const int64_t lanes = std::min(WIDTH, channels - c);
    const Vector middle = load(mean + c, lanes), none = {};
    const Vector scale = after.mask_scale ? load(after.mask_scale + c, lanes) : none;
    const Vector shift = after.mask_scale ? load(after.mask_shift + c, lanes) : none;
    Vector sum[2] = {}, distances[2] = {};
    for (int64_t place = 0; place < places; place++) {
      const int64_t at = place * channels + c;
      const Vector z = load(after.z + at, lanes);
      Vector gradient = load(after.dy + at, lanes);
      if (after.mask_scale)
        gradient = z * scale + shift > 0 ? gradient : none;
      else if (after.y)
        gradient = load(after.y + at, lanes) > 0 ? gradient : none;
      sum[place & 1] += gradient;
      distances[place & 1] += gradient * (z - middle);
    }
    store(to + c, sum[0] + sum[1], lanes);
    store(to + channels + c, distances[0] + distances[1], lanes);
  }
}

void Gathered::put_moments(int64_t places, float* mean, float* variance) const {
  for (int64_t c = 0; c < channels; c++) {
    double middle = 0, squares = 0;
    for (int64_t image = 0; image < images; image++) middle += parts[2 * image * channels + c];
    middle /= static_cast<double>(images);
    for (int64_t image = 0; image < images; image++) {
      const float* part = parts.data() + 2 * image * channels + c;
      const double distance = part[0] - middle;
      squares += part[channels] + distance * distance * static_cast<double>(places);
    }
    mean[c] = static_cast<float>(middle);
    const double found = squares / static_cast<double>(images * places);
    variance[c] = static_cast<float>(found < 0 ? 0 : found);
  }
}

void Gathered::put_sums(float* sum, float* sum_of_distances) const {
  for (int64_t c = 0; c < channels; c++) {
    double one = 0, other = 0;
    for (int64_t image = 0; image < images; image++) {
      one += parts[2 * image * channels + c];
      other += parts[(2 * image + 1) * channels + c];
    }
    sum[c] = static_cast<float>(one);
    sum_of_distances[c] = static_cast<float>(other);
  }
}

void apply(const Workers& workers, const Applied& a, int64_t images, int64_t places, int64_t channels) {
  const Pieces pieces(images, places, 1);
  workers.each(pieces.groups, [&](int64_t piece) {
    const int64_t from = piece * pieces.together * places;
    const int64_t to = std::min(images, (piece + 1) * pieces.together) * places;
    for (int64_t place = from; place < to; place++)
      for (int64_t c = 0; c < channels; c += WIDTH) {
        const int64_t lanes = std::min(WIDTH, channels - c), at = place * channels + c;
        Vector value = load(a.x + at, lanes) * load(a.scale + c, lanes) + load(a.shift + c, lanes);
        if (a.addend) value += load(a.addend + at, lanes);
        store(a.y + at, a.relu ? relu(value) : value, lanes);
      }
  });
}

}  // namespace operations

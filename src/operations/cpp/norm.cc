#include "norm.h"

#include <algorithm>

#include "vector.h"

namespace operations {

namespace {

struct Pair {
  Vector one, other;
};

// Adds up two sums over all places, block by block, so that no sum has many terms. Even places and odd ones do not wait
// for each other.
template <typename Add>
inline Pair summed(int64_t places, const Add& add) {
  constexpr int64_t BLOCK = 32;
  Pair all = {};
  for (int64_t from = 0; from < places; from += BLOCK) {
    const int64_t end = std::min(places, from + BLOCK);
    Pair even = {}, odd = {};
    int64_t place = from;
    for (; place + 1 < end; place += 2) {
      add(place, even.one, even.other);
      add(place + 1, odd.one, odd.other);
    }
    if (place < end) add(place, even.one, even.other);
    all.one += even.one + odd.one;
    all.other += even.other + odd.other;
  }
  return all;
}

}  // namespace

void Gathered::moments(int64_t image, const float* values, int64_t places, int64_t first, int64_t count) {
  float* to = parts.data() + 2 * image * channels + first;
  values += first;
  by_vectors(count, [&](int64_t c, auto lanes) {
    // Two passes: squared distances from the mean do not lose precision if all values are far from zero.
    const auto value = [&](int64_t place) { return load(values + place * channels + c, lanes); };
    const Vector mean = summed(places, [&](int64_t place, Vector& sum, Vector&) { sum += value(place); }).one /
                        static_cast<float>(places);
    const Vector squares = summed(places, [&](int64_t place, Vector& sum, Vector&) {
                             const Vector distance = value(place) - mean;
                             sum += distance * distance;
                           }).one;
    store(to + c, mean, lanes);
    store(to + channels + c, squares, lanes);
  });
}

void Gathered::sums(int64_t image, const After& after, const float* mean, int64_t places) {
  float* to = parts.data() + 2 * image * channels;
  by_vectors(channels, [&](int64_t c, auto lanes) {
    const Vector middle = load(mean + c, lanes);
    const auto over = [&](const auto& part) {
      const auto [sum, distances] = summed(places, [&](int64_t place, Vector& sum, Vector& distances) {
        const Vector z = load(after.z + place * channels + c, lanes);
        const Vector gradient = part(load(after.dy + place * channels + c, lanes), place, z);
        sum += gradient;
        distances += gradient * (z - middle);
      });
      store(to + c, sum, lanes);
      store(to + channels + c, distances, lanes);
    };
    if (after.mask_scale) {
      const Vector scale = load(after.mask_scale + c, lanes), shift = load(after.mask_shift + c, lanes);
      over([&](Vector dy, int64_t, Vector z) { return z * scale + shift > 0 ? dy : Vector{}; });
    } else if (after.y) {
      over([&](Vector dy, int64_t place, Vector) {
        return passed(dy, load(after.y + place * channels + c, lanes), after.ceiling);
      });
    } else {
      over([&](Vector dy, int64_t, Vector) { return dy; });
    }
  });
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
  workers.each(pieces.count(), [&](int64_t number) {
    const Piece piece = pieces.piece(number);
    const int64_t from = piece.image * places, to = from + piece.images * places;
    by_vectors(channels, [&](int64_t c, auto lanes) {
      const Vector scale = load(a.scale + c, lanes), shift = load(a.shift + c, lanes);
      for (int64_t at = from * channels + c; at < to * channels; at += channels) {
        Vector value = load(a.x + at, lanes) * scale + shift;
        if (a.addend) value += load(a.addend + at, lanes);
        store(a.y + at, a.relu ? relu(value, a.ceiling) : value, lanes);
      }
    });
  });
}

}  // namespace operations

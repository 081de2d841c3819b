// Vectors of the machine's width, in the extension that GCC and Clang share: plain arithmetic on all lanes at once.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace operations {

#if defined(__AVX512F__)
constexpr int64_t WIDTH = 16, REGISTERS = 32;
#elif defined(__AVX__)
constexpr int64_t WIDTH = 8, REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int64_t WIDTH = 4, REGISTERS = 32;
#else
constexpr int64_t WIDTH = 4, REGISTERS = 16;
#endif

typedef float Vector __attribute__((vector_size(4 * WIDTH)));
// In arrays, which begin anywhere. Nothing else has this type: Clang forgets the alignment where it is a template's.
typedef float Unaligned __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

// The smallest multiple of `unit` that holds `size`.
inline int64_t rounded_up(int64_t size, int64_t unit) { return (size + unit - 1) / unit * unit; }

inline Vector load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }

// Only the first lanes; zero in the others, whose memory is not touched.
inline Vector load(const float* from, int64_t lanes) {
  if (lanes >= WIDTH) return load(from);
  Vector values = {};
  std::memcpy(&values, from, sizeof(float) * lanes);
  return values;
}

inline void store(float* to, Vector values) { *reinterpret_cast<Unaligned*>(to) = values; }

inline void store(float* to, Vector values, int64_t lanes) {
  if (lanes >= WIDTH) return store(to, values);
  std::memcpy(to, &values, sizeof(float) * lanes);
}

// Calls a function with the first of every vector of channels and the number of its lanes. Where that is the whole
// vector, it is known to the compiler, which makes plain loops of it.
template <typename Work>
inline void by_vectors(int64_t channels, const Work& work) {
  int64_t c = 0;
  for (; c + WIDTH <= channels; c += WIDTH) work(c, std::integral_constant<int64_t, WIDTH>{});
  if (c < channels) work(c, channels - c);
}

// The same where what is done twice does no harm: the last vector begins sooner if it would not be whole.
template <typename Work>
inline void by_whole_vectors(int64_t channels, const Work& work) {
  constexpr std::integral_constant<int64_t, WIDTH> whole;
  if (channels < WIDTH) return work(0, channels);
  for (int64_t c = 0; c + WIDTH <= channels; c += WIDTH) work(c, whole);
  if (channels % WIDTH) work(channels - WIDTH, whole);
}

// ReLU; ReLU; NaN stays NaN.
inline Vector relu(Vector values) { return values < 0 ? Vector{} : values; }

// ReLU with a ceiling; NaN means no ceiling, since no comparison with it is true.
inline Vector relu(Vector values, float ceiling) {
  const Vector positive = relu(values);
  return positive > ceiling ? Vector{} + ceiling : positive;
}

// The gradient of a ReLU by its values: it passes where they are neither 0 nor at the ceiling.
inline Vector passed(Vector gradient, Vector values, float ceiling) {
  const Vector below = values >= ceiling ? Vector{} : gradient;
  return values > 0 ? below : Vector{};
}

}  // namespace operations

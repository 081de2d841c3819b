// Batch normalization: moments, application, and the sums for its gradient. Maps are [image, place, channel].
#pragma once

#include <cstdint>
#include <vector>

#include "prepare.h"
#include "work.h"

namespace operations {

// Sums of each image, combined in the order of the images: two numbers per channel.
class Gathered {
 public:
  Gathered(int64_t images, int64_t channels) : images(images), channels(channels), parts(2 * images * channels) {}
  // Mean, and sum of squared distances from it, of some channels of one image.
  void moments(int64_t image, const float* values, int64_t places, int64_t first, int64_t count);
  // Of the gradients where the mask is open: their sum, and that of gradient * (z - mean).
  void sums(int64_t image, const After& after, const float* mean, int64_t places);
  // Over all images.
  void put_moments(int64_t places, float* mean, float* variance) const;
  void put_sums(float* sum, float* sum_of_distances) const;

 private:
  int64_t images, channels;
  std::vector<float> parts;
};

struct Applied {
  const float *x, *scale, *shift, *addend;  // the addend may be null
  bool relu;
  float ceiling;  // of the ReLU; NaN is none
  float* y;
};

// y = scale x + shift + addend, by channel, with optional ReLU.
void apply(const Workers& workers, const Applied& arrays, int64_t images, int64_t places, int64_t channels);

}  // namespace operations

// The operations as XLA calls them, on its own threads. An array without values stands for one that is left out.
#include "xla/ffi/api/ffi.h"

#include "convolution.h"
#include "pool.h"
#include "vector.h"

namespace operations {
namespace {

namespace ffi = xla::ffi;
using Input = ffi::Buffer<ffi::F32>;
using Output = ffi::Result<ffi::Buffer<ffi::F32>>;
using Numbers = ffi::Span<const int64_t>;

const float* given(const Input& array) { return array.element_count() ? array.typed_data() : nullptr; }
float* wanted(Output& array) { return array->element_count() ? array->typed_data() : nullptr; }

template <typename Work>
ffi::Error reported(const Work& work) {
  try {
    work();
    return ffi::Error::Success();
  } catch (const std::bad_alloc&) {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, "not enough memory for a convolution");
  }
}

// Numbers of a window: stride, zeros before, dilation; first of rows, then of columns.
Convolution shape_of(const Input::Dimensions& x, const Input::Dimensions& filters, const Input::Dimensions& y,
                     Numbers window) {
  return {x[0],
          x[3],
          filters[3],
          {x[1], y[1], filters[0], window[0], window[2], window[4]},
          {x[2], y[2], filters[1], window[1], window[3], window[5]},
          filters[2] < x[3]};
}

ffi::Error run_forward(ffi::ThreadPool pool, Numbers window, bool relu, float ceiling, Input x, Input filters,
                       Input scale, Input shift, Input bias, Input addend, Output y, Output mean, Output variance) {
  return reported([&] {
    forward(PoolWorkers(pool), shape_of(x.dimensions(), filters.dimensions(), y->dimensions(), window),
            {x.typed_data(),
             filters.typed_data(),
             {given(scale), given(shift)},
             {given(bias), given(addend), relu, false, ceiling},
             y->typed_data(),
             wanted(mean),
             wanted(variance)});
  });
}

ffi::Error run_backward(ffi::ThreadPool pool, Numbers window, float ceiling, Input x, Input filters, Input scale,
                        Input shift, Input dy, Input y, Input z, Input mask_scale, Input mask_shift, Input by_gradient,
                        Input by_value, Input constant, Input addend, Input x_mean, Output dx, Output dfilters,
                        Output masked, Output sum, Output sum_of_distances) {
  return reported([&] {
    backward(PoolWorkers(pool), shape_of(x.dimensions(), filters.dimensions(), dy.dimensions(), window),
             {x.typed_data(),
              filters.typed_data(),
              {given(scale), given(shift)},
              {dy.typed_data(), given(y), given(z), given(mask_scale), given(mask_shift), given(by_gradient),
               given(by_value), given(constant), wanted(masked), ceiling},
              given(addend),
              given(x_mean),
              wanted(dx),
              wanted(dfilters),
              wanted(sum),
              wanted(sum_of_distances)});
  });
}

ffi::Error run_apply(ffi::ThreadPool pool, bool relu, float ceiling, Input x, Input scale, Input shift, Input addend,
                     Output y) {
  return reported([&] {
    const auto size = x.dimensions();
    apply(PoolWorkers(pool),
          {x.typed_data(), scale.typed_data(), shift.typed_data(), given(addend), relu, ceiling, y->typed_data()},
          size[0], size[1] * size[2], size[3]);
  });
}

ffi::Error run_sums(ffi::ThreadPool pool, float ceiling, Input z, Input y, Input dy, Input mean, Output sum,
                    Output distances) {
  return reported([&] {
    const auto size = z.dimensions();
    const int64_t image = size[1] * size[2] * size[3];
    After after;
    after.dy = dy.typed_data();
    after.y = given(y);
    after.z = z.typed_data();
    after.ceiling = ceiling;
    Gathered gathered(size[0], size[3]);
    PoolWorkers(pool).each(
        size[0], [&](int64_t i) { gathered.sums(i, after.at(i * image), mean.typed_data(), size[1] * size[2]); });
    gathered.put_sums(sum->typed_data(), distances->typed_data());
  });
}

ffi::Error run_moments(ffi::ThreadPool pool, Input x, Output mean, Output variance) {
  return reported([&] {
    const auto size = x.dimensions();
    const int64_t places = size[1] * size[2];
    Gathered gathered(size[0], size[3]);
    PoolWorkers(pool).each(
        size[0], [&](int64_t i) { gathered.moments(i, x.typed_data() + i * places * size[3], places, 0, size[3]); });
    gathered.put_moments(places, mean->typed_data(), variance->typed_data());
  });
}

ffi::Error run_norm_back(ffi::ThreadPool pool, Input dy, Input z, Input mask_scale, Input mask_shift, Input by_gradient,
                         Input by_value, Input constant, Output gradient) {
  return reported([&] {
    const auto size = z.dimensions();
    const int64_t places = size[1] * size[2], image = places * size[3];
    After after;
    after.dy = dy.typed_data();
    after.z = z.typed_data();
    after.mask_scale = mask_scale.typed_data();
    after.mask_shift = mask_shift.typed_data();
    after.by_gradient = by_gradient.typed_data();
    after.by_value = by_value.typed_data();
    after.constant = constant.typed_data();
    PoolWorkers(pool).each(
        size[0], [&](int64_t i) { prepare(after.at(i * image), places, size[3], gradient->typed_data() + i * image); });
  });
}

// So many arrays that go in, or come out, after what is bound so far.
template <int count, typename Binding>
auto inputs(Binding&& bound) {
  if constexpr (count == 1)
    return std::move(bound).template Arg<Input>();
  else
    return inputs<count - 1>(std::move(bound).template Arg<Input>());
}

template <int count, typename Binding>
auto outputs(Binding&& bound) {
  if constexpr (count == 1)
    return std::move(bound).template Ret<Input>();
  else
    return outputs<count - 1>(std::move(bound).template Ret<Input>());
}

auto on_threads() { return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>(); }

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    ForwardCall, run_forward,
    outputs<3>(inputs<6>(on_threads().Attr<Numbers>("window").Attr<bool>("relu").Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(BackwardCall, run_backward,
                              outputs<5>(inputs<14>(on_threads().Attr<Numbers>("window").Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(ApplyCall, run_apply,
                              outputs<1>(inputs<4>(on_threads().Attr<bool>("relu").Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(SumsCall, run_sums, outputs<2>(inputs<4>(on_threads().Attr<float>("ceiling"))));
XLA_FFI_DEFINE_HANDLER_SYMBOL(MomentsOfCall, run_moments, outputs<2>(inputs<1>(on_threads())));
XLA_FFI_DEFINE_HANDLER_SYMBOL(NormBackCall, run_norm_back, outputs<1>(inputs<7>(on_threads())));

extern "C" int64_t VectorWidth() { return WIDTH; }

}  // namespace operations

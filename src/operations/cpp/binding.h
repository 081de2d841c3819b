// Common parts of the bindings of operations to XLA. An empty array means that an optional array is absent.
#pragma once

#include <new>
#include <utility>

#include "pool.h"
#include "xla/ffi/api/ffi.h"

namespace operations {

namespace ffi = xla::ffi;
using Input = ffi::Buffer<ffi::F32>;
using Output = ffi::Result<Input>;
using Bytes = ffi::Buffer<ffi::U8>;
using Numbers = ffi::Span<const int64_t>;

inline const float* given(const Input& array) { return array.element_count() ? array.typed_data() : nullptr; }
inline float* wanted(Output& array) { return array->element_count() ? array->typed_data() : nullptr; }

template <typename Work>
ffi::Error reported(const Work& work) {
  try {
    work();
    return ffi::Error::Success();
  } catch (const std::bad_alloc&) {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, "not enough memory for an operation");
  }
}

// Binds that many further arguments or results.
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

inline auto on_threads() { return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>(); }

}  // namespace operations

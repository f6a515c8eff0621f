// SPDX-License-Identifier: BSL-1.0
//
// What it is: who is told how a verb of the engine ended, where that is no coroutine.
// Thread safety: told once, on the engine's executor.
#pragma once

#include <holdfast/errc.hpp>

#include <exception>

namespace holdfast::lock {

/// See the top of the file.
template <class T>
class receiver {
public:
    virtual void receive(result<T> end) = 0;
    /// It ended with an exception: out of memory, or one that user code threw.
    virtual void fail(std::exception_ptr thrown) = 0;
    /// It has become a coroutine, which needs turns of the executor to go on.
    virtual void goes_on() {}

protected:
    ~receiver() = default;
};

}  // namespace holdfast::lock

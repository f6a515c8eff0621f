// SPDX-License-Identifier: BSL-1.0
//
// Only here because CMake wants a source for what is precompiled with it: headers.hpp.

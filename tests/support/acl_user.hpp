// SPDX-License-Identifier: BSL-1.0
//
// What it is: the user as whom tests use their Redis servers, where the environment's
// HOLDFAST_TEST_ACL names a file with what `holdfast doctor --acl` printed: the suite then shows
// that these rights are enough. Without it tests use them as the user `default`, who may all.
// Thread safety: safe from any thread.
#pragma once

#include <string>
#include <vector>

namespace holdfast::test {

/// @return `USER:PASSWORD@`, for URLs; empty without such a user.
[[nodiscard]] const std::string& acl_user_part();

/// @return `ACL SETUSER` and what stands behind it; empty without such a user. Rules of several
///         lines are added up. @throws std::runtime_error  If the file has none.
[[nodiscard]] const std::vector<std::string>& acl_user_rules();

}  // namespace holdfast::test

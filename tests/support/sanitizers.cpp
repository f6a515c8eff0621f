// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the sanitizers need to know, linked into each test, so that a test says the same
// however it is started.
// Thread safety: called before main.

#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {
    // The last owner of an executor sees the others' work through a fence, and GCC's thread
    // sanitizer does not know fences.
    return "race:boost::asio::execution::detail::any_executor_base::destroy_shared\n";
}
#endif

// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/library.hpp"

#include <ctime>
#include <utility>

namespace holdfast::mysql {
namespace {

sigset_t pipe_alone() noexcept {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    return signals;
}

bool pipe_is_pending() noexcept {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

enum_field_types kind_of(const MYSQL_FIELD& field) noexcept {
    switch (field.type) {
        case MYSQL_TYPE_TINY:
        case MYSQL_TYPE_SHORT:
        case MYSQL_TYPE_INT24:
        case MYSQL_TYPE_LONG:
        case MYSQL_TYPE_LONGLONG:
        case MYSQL_TYPE_YEAR: return MYSQL_TYPE_LONGLONG;
        case MYSQL_TYPE_FLOAT:
        case MYSQL_TYPE_DOUBLE: return MYSQL_TYPE_DOUBLE;
        default: return MYSQL_TYPE_STRING;
    }
}

}  // namespace

bool set_library_up() noexcept {
    // The library's own initialisation is not safe from several threads; that of a static is.
    static const bool done = mysql_library_init(0, nullptr, nullptr) == 0;
    return done;
}

pipe_signal_shield::pipe_signal_shield(bool wanted) noexcept {
    if (!wanted || pipe_is_pending()) return;
    const sigset_t pipe = pipe_alone();
    raised_ = pthread_sigmask(SIG_BLOCK, &pipe, &before_) == 0;
}

pipe_signal_shield::~pipe_signal_shield() {
    if (!raised_) return;
    const sigset_t pipe = pipe_alone();
    const timespec at_once{};
    if (pipe_is_pending()) sigtimedwait(&pipe, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void connection::parameters::take(std::vector<cell> from) {
    values = std::move(from);
    bindings.assign(values.size(), MYSQL_BIND{});
    for (std::size_t i = 0; i < values.size(); ++i) {
        MYSQL_BIND& binding = bindings[i];
        if (auto* whole = std::get_if<std::int64_t>(&values[i])) {
            binding.buffer_type = MYSQL_TYPE_LONGLONG;
            binding.buffer = whole;
        } else if (auto* number = std::get_if<double>(&values[i])) {
            binding.buffer_type = MYSQL_TYPE_DOUBLE;
            binding.buffer = number;
        } else if (auto* text = std::get_if<std::string>(&values[i])) {
            binding.buffer_type = MYSQL_TYPE_STRING;
            binding.buffer = text->data();
            binding.buffer_length = text->size();
        } else if (auto* raw = std::get_if<octets>(&values[i])) {
            binding.buffer_type = MYSQL_TYPE_BLOB;
            binding.buffer = raw->bytes.data();
            binding.buffer_length = raw->bytes.size();
        } else {
            binding.buffer_type = MYSQL_TYPE_NULL;
        }
    }
}

row_buffer::row_buffer(const MYSQL_RES& shape)
    : columns_(shape.field_count), bindings_(shape.field_count, MYSQL_BIND{}) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        column& into = columns_[i];
        MYSQL_BIND& binding = bindings_[i];
        binding.buffer_type = kind_of(shape.fields[i]);
        binding.is_null = &into.null;
        binding.length = &into.length;
        if (binding.buffer_type == MYSQL_TYPE_LONGLONG) {
            binding.buffer = &into.whole;
        } else if (binding.buffer_type == MYSQL_TYPE_DOUBLE) {
            binding.buffer = &into.number;
        } else {
            into.text.resize(shape.fields[i].max_length + 1);
            binding.buffer = into.text.data();
            binding.buffer_length = into.text.size();
        }
    }
}

std::vector<cell> row_buffer::row() const {
    std::vector<cell> cells;
    cells.reserve(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const column& from = columns_[i];
        if (from.null != 0)
            cells.emplace_back();
        else if (bindings_[i].buffer_type == MYSQL_TYPE_LONGLONG)
            cells.emplace_back(from.whole);
        else if (bindings_[i].buffer_type == MYSQL_TYPE_DOUBLE)
            cells.emplace_back(from.number);
        else
            cells.emplace_back(from.text.substr(0, from.length));
    }
    return cells;
}

}  // namespace holdfast::mysql

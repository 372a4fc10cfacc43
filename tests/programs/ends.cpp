// Asks for values while a thread or the process ends: ends WHERE WHEN
//   WHERE  thread_local, thread (a thread_local object of another thread), key (the same by pthread_key_create),
//          static, atexit
//   WHEN   older:   what asks was there before Lathe was first used
//          younger: it came after
//          first:   nothing was asked for before
// Prints "right" for each value that is; a process that crashes prints less.
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <pthread.h>
#include <string_view>
#include <thread>
#include <unistd.h>

#include "lathe.h"

#ifdef LATHE_SANITIZED
// What a thread keeps is lost where it first asks in the destructor of a key: see runtime/per_thread.h.
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
    return "leak:lathe::runtime::PerThread\nleak:__cxa_thread_atexit_impl\n";
}
extern "C" const char* __lsan_default_options() {  // NOLINT(bugprone-reserved-identifier)
    return "print_suppressions=0";
}
#endif

namespace {

using namespace lathe;

void say(const char* text) { (void)!write(STDOUT_FILENO, text, std::strlen(text)); }
void expect(bool right, const char* what) {
    if (!right) say(what);
    say(right ? "right\n" : " is wrong\n");
}

// Many kinds of work, each with a value that is known. Another `n` means other nodes, and kernels for them.
void ask(int n) {
    const double number = n;
    Tensor x = full({40}, number);
    for (int i = 0; i < n; ++i) x = x * 2.0 - number;
    expect(x.to_vector<float>() == std::vector<float>(40, static_cast<float>(number)), "a chain of operators");

    // Numbers of the library's own, a workspace, and a loop that runs in parallel.
    const std::int64_t rows = 700 + n;
    const Tensor p = sum(softmax(ones({rows, 400}) * number, -1), {0, 1});
    expect(std::abs(p.item<float>() - static_cast<float>(rows)) < 0.1F, "softmax");
    expect(sum(ones({(1 << 20) + n}), {0}).item<float>() == static_cast<float>((1 << 20) + n), "a long sum");

    const Tensor w = variable(full({3}, 1.5));
    sum(w * w * number, {0}).backward();
    expect(w.grad().to_vector<float>() == std::vector<float>(3, 3 * static_cast<float>(number)), "a derivative");
    w.set(w * 2.0);
    expect(w.to_string() == "[3. 3. 3.]", "a variable");

    const auto f = jit([&](const Tensor& y) { return exp(y * 0.0) + number; });
    expect(f(ones({5})).to_vector<float>() == std::vector<float>(5, 1 + static_cast<float>(number)), "jit");
    try {
        (void)(ones({2}) + ones({3}));
        expect(false, "an error");
    } catch (const TypeError& e) {
        expect(std::string_view(e.what()).find("ends.cpp:") != std::string_view::npos, "an error's line");
    }
}

void ask_at_end() {
    ask(1);  // known before, or not
    ask(2);
    ask(3);
}

// What asks in its destructor, and keeps values of before until then.
struct Asks {
    std::optional<Tensor> kept;
    Asks() = default;
    Asks(const Asks&) = delete;
    Asks& operator=(const Asks&) = delete;
    ~Asks() {
        ask_at_end();
        if (kept) expect((*kept + 1.0).to_vector<float>() == std::vector<float>{3, 4}, "a value of before");
    }
};

// Made before main, if at all.
struct Room {
    alignas(Asks) std::byte bytes[sizeof(Asks)];
    Asks* asks = nullptr;
    ~Room() {
        if (asks != nullptr) asks->~Asks();
    }
} room;

Asks& of_thread() {
    thread_local Asks asks;
    return asks;
}

void at_exit() { ask_at_end(); }
void at_key_end(void* /*value*/) { ask_at_end(); }

void keep_value(Asks& asks) {
    asks.kept = Tensor::from({1.0F, 2.0F}) + 1.0;
    asks.kept->eval();
}

void run(std::string_view where, std::string_view when) {
    const bool younger = when == "younger", before = when != "first";
    if (where == "thread_local") {
        if (!younger) of_thread();
        if (before) ask(1);
        if (before) keep_value(of_thread());
    } else if (where == "key") {
        pthread_key_t key{};
        if (!younger) pthread_key_create(&key, at_key_end);
        if (before) ask(1);
        if (younger) pthread_key_create(&key, at_key_end);
        pthread_setspecific(key, &key);
    } else if (where == "static") {
        if (!younger) room.asks = new (room.bytes) Asks;
        if (before) ask(1);
        static std::optional<Asks> young;
        if (younger) young.emplace();
        if (before) keep_value(younger ? *young : *room.asks);
    } else {
        if (!younger) std::atexit(at_exit);
        if (before) ask(1);
        if (younger) std::atexit(at_exit);
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return 2;
    const std::string_view where = arguments[1], when = arguments[2];
    if (where == "thread")
        std::thread(run, "thread_local", when).join();
    else if (where == "key")
        std::thread(run, where, when).join();
    else
        run(where, when);
    return 0;
}

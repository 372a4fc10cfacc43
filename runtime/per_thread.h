// What each thread keeps for itself.
//
// Values may be asked for when a thread or the process already ends: in destructors of the host's thread-local and
// static objects, which may be older than ours, and by functions given to atexit. So nothing of a thread is used once
// it has been destroyed: whoever asks finds none, and does without. Statics are never destroyed at all. What a thread
// asks for first in the destructor of a pthread key is lost: C++ has run the thread's own destructors by then.
#pragma once

#include <memory>
#include <new>

namespace lathe::runtime {

// A T of the calling thread, made at its first use.
template <class T>
class PerThread {
public:
    PerThread() = delete;

    // Null once the thread's own has gone, and where there is no memory for it.
    static T* mine() { return there_ != nullptr ? there_ : make(); }
    // The same, but never made by this call.
    static T* existing() { return there_; }

private:
    struct Owner {
        std::unique_ptr<T> object;
        // First of all: what the object lets go of may ask for it again.
        ~Owner() {
            ended_ = true;
            there_ = nullptr;
        }
    };

    [[gnu::noinline, gnu::cold]] static T* make() {
        if (ended_) return nullptr;
        static thread_local Owner owner;
        owner.object.reset(new (std::nothrow) T);
        return there_ = owner.object.get();
    }

    // Without a destructor, so that reading them costs no look whether they are there.
    static inline constinit thread_local T* there_ = nullptr;
    static inline constinit thread_local bool ended_ = false;
};

}  // namespace lathe::runtime

// What Lathe throws. The library prints nothing and never aborts; after an error nothing is half-done.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "ir/loc.h"
#include "ir/printable.h"

namespace lathe {

// Every error of the library derives from this; what() is one complete sentence with the op, the types and the
// location: "model.cpp:12: add: the dtypes differ (f32[3] and i32[3]), in blocks.2, called at train.cpp:7".
class Error : public std::runtime_error {
public:
    explicit Error(const std::string& message, ir::Loc loc = {})
        : std::runtime_error(ir::printable(loc.around(message))),
          message_(std::make_shared<const std::string>(ir::printable(message))),
          loc_(loc) {}
    ir::Loc loc() const { return loc_; }
    const std::string& message() const { return *message_; }  // without the location

private:
    std::shared_ptr<const std::string> message_;  // shared: copies of an exception may not throw
    ir::Loc loc_;
};

// The caller's mistake.
class UserError : public Error {
    using Error::Error;
};
class TypeError : public UserError {  // shapes or dtypes that don't fit the op
    using UserError::UserError;
};
class IndexError : public UserError {  // an index out of range, found when a kernel ran
    using UserError::UserError;
};
class FormatError : public UserError {  // a file or text that does not parse or verify
    using UserError::UserError;
};

// Memory, disk or a limit that the host set is exhausted.
class ResourceError : public Error {
    using Error::Error;
};

// A defect of Lathe: what() names the pass and shows the IR.
class InternalError : public Error {
    using Error::Error;
};

}  // namespace lathe

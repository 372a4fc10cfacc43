// The fields of a message of protobuf, for the files that read messages of ONNX.
#pragma once

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>

#include "frontend/onnx/tensor_proto.h"

namespace lathe::onnx {

// The fields of a message one after the other, with the wire types that they have to have.
class Fields {
public:
    explicit Fields(Bytes message) : reader_(message.data(), message.size()) {}

    bool next() {
        return guarded([&] { return reader_.next(); });
    }
    unsigned tag() const { return reader_.tag(); }
    void skip() {
        guarded([&] { reader_.skip(); });
    }

    std::int64_t integer() {
        expect(protozero::pbf_wire_type::varint);
        return guarded([&] { return reader_.get_int64(); });
    }
    float number() {
        expect(protozero::pbf_wire_type::fixed32);
        return guarded([&] { return reader_.get_float(); });
    }
    // Text, bytes or another message.
    std::string_view view() {
        expect(protozero::pbf_wire_type::length_delimited);
        return guarded([&] {
            const protozero::data_view v = reader_.get_view();
            return std::string_view(v.data(), v.size());
        });
    }

    // Repeated numbers come packed or one by one.
    template <class F>
    void integers(const F& take) {
        if (!is_packed()) return take(integer());
        guarded([&] {
            for (const std::int64_t i : reader_.get_packed_int64()) take(i);
        });
    }
    template <class F>
    void floats(const F& take) {
        if (!is_packed()) return take(number());
        guarded([&] {
            for (const float f : reader_.get_packed_float()) take(f);
        });
    }
    template <class F>
    void doubles(const F& take) {
        if (!is_packed()) {
            expect(protozero::pbf_wire_type::fixed64);
            return take(guarded([&] { return reader_.get_double(); }));
        }
        guarded([&] {
            for (const double f : reader_.get_packed_double()) take(f);
        });
    }

private:
    bool is_packed() const { return reader_.wire_type() == protozero::pbf_wire_type::length_delimited; }
    void expect(protozero::pbf_wire_type type) const {
        if (reader_.wire_type() != type)
            throw Malformed("field " + std::to_string(reader_.tag()) + " of a message has another type than its own");
    }
    template <class F>
    static auto guarded(const F& f) -> decltype(f()) {
        try {
            return f();
        } catch (const protozero::exception&) {
            throw Malformed("a message ends within a field, or is none");
        }
    }
    protozero::pbf_reader reader_;
};

}  // namespace lathe::onnx

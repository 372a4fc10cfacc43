// ZIP archives, as .npz files are: members that are stored or deflated, with sizes of 32 or 64 bits. Encrypted and
// split archives, and other compressions, are refused. (PKWARE's APPNOTE.TXT, version 6.3.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

struct ZipMember {
    std::string name;
    std::uint64_t offset = 0;  // of its bytes in the archive
    std::uint64_t stored = 0;  // bytes in the archive
    std::uint64_t size = 0;    // bytes of the member
    std::uint32_t checksum = 0;
    bool deflated = false;
};

// The members, as the directory at the end lists them. `name` is what messages call the archive. Throws FormatError
// with the byte where the archive is malformed or truncated, where two members have one name or share bytes, and where
// a member claims to hold more than its bytes can: so all sizes are in proportion to the archive's.
std::vector<ZipMember> zip_members(std::string_view archive, const std::string& name);

// The bytes of a member of zip_members(). Throws FormatError where they are malformed, have another size or another
// checksum.
std::string unzip_member(std::string_view archive, const ZipMember& member, const std::string& name);

// An archive in the making. Sizes are written with 64 bits, as NumPy does; times are left out, so that the same
// members give the same bytes.
class ZipWriter {
public:
    // Deflates a member where that is asked for.
    void add(const std::string& name, std::string_view bytes, bool deflated);
    // The archive; nothing may be added afterwards.
    std::string finish() &&;

private:
    std::string archive_, directory_;
    std::uint64_t count_ = 0;
};

}  // namespace lathe

#include "tests/support/memory_storage.hpp"

#include <algorithm>
#include <cstring>

namespace linkd::test {
namespace {

constexpr std::size_t sector_bytes = 512;

std::string parent(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool inside(const std::string& path, const std::string& directory) {
  return parent(path) == directory;
}

error failure(errc code, const std::string& text) {
  return error{code, text + " (simulated)"};
}

}  // namespace

struct memory_storage::node {
  struct sector {
    std::array<char, sector_bytes> now{}, durable{};
  };
  std::map<std::uint64_t, sector> sectors;  // absent: zeros
  std::set<std::uint64_t> dirty;
  std::uint64_t size = 0, durable_size = 0;

  std::size_t read(std::uint64_t offset, std::span<char> into) const {
    if (offset >= size) return 0;
    const auto count = std::min<std::uint64_t>(into.size(), size - offset);
    std::uint64_t done = 0;
    while (done < count) {
      const auto at = offset + done, in_sector = at % sector_bytes;
      const auto part = std::min(count - done, sector_bytes - in_sector);
      const auto found = sectors.find(at / sector_bytes);
      if (found == sectors.end())
        std::memset(into.data() + done, 0, part);
      else
        std::memcpy(into.data() + done, found->second.now.data() + in_sector, part);
      done += part;
    }
    return count;
  }

  void write(std::uint64_t offset, bytes_view data) {
    size = std::max<std::uint64_t>(size, offset + data.size());
    while (!data.empty()) {
      const auto in_sector = offset % sector_bytes;
      const auto part = std::min<std::uint64_t>(data.size(), sector_bytes - in_sector);
      std::memcpy(sectors[offset / sector_bytes].now.data() + in_sector, data.data(), part);
      dirty.insert(offset / sector_bytes);
      offset += part;
      data.remove_prefix(part);
    }
  }

  void sync() {
    for (const auto index : dirty) sectors[index].durable = sectors[index].now;
    dirty.clear();
    durable_size = size;
  }

  void crash(random_source& random) {
    for (const auto index : dirty) {
      auto& each = sectors[index];
      const auto fate = random.next() % 8;
      if (fate < 3) each.durable = each.now;
      if (fate < 7) continue;
      for (std::size_t i = 0; i < sector_bytes; ++i)
        if (each.now[i] != each.durable[i]) each.durable[i] = static_cast<char>(random.next());
    }
    if (size != durable_size && random.next() % 2 == 0) durable_size = size;
    size = durable_size;
    dirty.clear();
    for (auto& [index, each] : sectors) each.now = each.durable;
    sectors.erase(sectors.lower_bound((size + sector_bytes - 1) / sector_bytes), sectors.end());
  }
};

struct memory_storage::name_change {
  std::string gone, made;  // a creation has no `gone`, a removal no `made`, a renaming both
  std::shared_ptr<node> target;
};

class memory_storage::handle final : public file {
 public:
  handle(memory_storage& disk, std::shared_ptr<node> target)
      : disk_(disk), node_(std::move(target)), epoch_(disk.epoch_) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    const std::scoped_lock guard(disk_.mutex_);
    if (auto failed = begin(storage_call::read, false)) return *failed;
    return node_->read(offset, into);
  }

  result<void> write_at(std::uint64_t offset, bytes_view data) override {
    const std::scoped_lock guard(disk_.mutex_);
    if (epoch_ != disk_.epoch_) return failure(errc::io, "handle of a dead process");
    const bool dead = disk_.halted_;
    if (auto failed = begin(storage_call::write, true)) {
      if (!dead && disk_.has_room(*node_, offset + data.size() / 2))
        node_->write(offset, data.substr(0, data.size() / 2));
      return *failed;
    }
    if (!disk_.has_room(*node_, offset + data.size()))
      return failure(errc::no_space, "no space left on device");
    node_->write(offset, data);
    return {};
  }

  result<void> allocate(std::uint64_t size) override {
    const std::scoped_lock guard(disk_.mutex_);
    if (auto failed = begin(storage_call::allocate, true)) return *failed;
    if (!disk_.has_room(*node_, size)) return failure(errc::no_space, "no space left on device");
    node_->size = std::max(node_->size, size);
    return {};
  }

  result<void> sync() override {
    const std::scoped_lock guard(disk_.mutex_);
    const bool dead = disk_.halted_;
    if (auto failed = begin(storage_call::sync, true)) {
      if (!dead && !disk_.halted_) node_->dirty.clear();
      return *failed;
    }
    node_->sync();
    return {};
  }

  result<std::uint64_t> size() override {
    const std::scoped_lock guard(disk_.mutex_);
    if (auto failed = begin(storage_call::size, false)) return *failed;
    return node_->size;
  }

 private:
  std::optional<error> begin(storage_call kind, bool changes) {
    if (epoch_ != disk_.epoch_) return failure(errc::io, "handle of a dead process");
    return disk_.begin(kind, changes);
  }

  memory_storage& disk_;
  std::shared_ptr<node> node_;
  std::uint64_t epoch_;
};

class memory_storage::lock_handle final : public directory_lock {
 public:
  lock_handle(memory_storage& disk, std::string directory)
      : disk_(disk), directory_(std::move(directory)), epoch_(disk.epoch_) {}
  ~lock_handle() override {
    const std::scoped_lock guard(disk_.mutex_);
    if (epoch_ == disk_.epoch_) disk_.locks_.erase(directory_);
  }

  [[nodiscard]] result<void> check() const override {
    const std::scoped_lock guard(disk_.mutex_);
    if (epoch_ != disk_.epoch_) return failure(errc::io, "lock of a dead process");
    if (disk_.lost_directories_.contains(directory_))
      return failure(errc::io, directory_ + ": was removed or replaced while in use");
    return {};
  }

 private:
  memory_storage& disk_;
  std::string directory_;
  std::uint64_t epoch_;
};

memory_storage::memory_storage() : directories_{""} {}
memory_storage::~memory_storage() = default;

std::optional<error> memory_storage::begin(storage_call kind, bool changes) {
  ++calls_[kind];
  if (halted_) return failure(errc::io, "machine stopped");
  if (halt_ && changes && (*halt_)-- == 0) {
    halt_.reset();
    halted_ = hit_ = true;
    return failure(errc::io, "machine stopped");
  }
  if (!fault_ || (fault_->kind && *fault_->kind != kind)) return std::nullopt;
  if (fault_->skip > 0) {
    --fault_->skip;
    return std::nullopt;
  }
  hit_ = true;
  auto failed = failure(fault_->code, "input/output error");
  if (!fault_->for_ever) fault_.reset();
  return failed;
}

void memory_storage::apply(names& to, const name_change& change) {
  if (!change.gone.empty()) to.erase(change.gone);
  if (!change.made.empty()) to[change.made] = change.target;
}

void memory_storage::change_name(name_change change) {
  apply(names_, change);
  unsynced_names_.push_back(std::move(change));
}

result<std::unique_ptr<file>> memory_storage::open(const std::string& path, open_mode mode) {
  const std::scoped_lock guard(mutex_);
  if (auto failed = begin(storage_call::open, mode == open_mode::create_new)) return *failed;
  const auto found = names_.find(path);
  if (mode == open_mode::existing) {
    if (found == names_.end()) return failure(errc::not_found, path + ": no such file");
    return std::unique_ptr<file>(std::make_unique<handle>(*this, found->second));
  }
  if (found != names_.end()) return failure(errc::exists, path + ": file exists");
  if (!directories_.contains(parent(path)))
    return failure(errc::not_found, parent(path) + ": no such directory");
  const auto made = std::make_shared<node>();
  change_name({"", path, made});
  return std::unique_ptr<file>(std::make_unique<handle>(*this, made));
}

result<std::vector<std::string>> memory_storage::list(const std::string& directory) {
  const std::scoped_lock guard(mutex_);
  if (auto failed = begin(storage_call::list, false)) return *failed;
  if (!directories_.contains(directory))
    return failure(errc::not_found, directory + ": no such directory");
  std::vector<std::string> found;
  for (const auto& [path, target] : names_)
    if (inside(path, directory)) found.push_back(path.substr(path.rfind('/') + 1));
  return found;
}

result<void> memory_storage::make_directory(const std::string& directory) {
  const std::scoped_lock guard(mutex_);
  if (auto failed = begin(storage_call::make_directory, true)) return *failed;
  for (auto each = directory; !each.empty(); each = parent(each)) directories_.insert(each);
  return {};
}

result<void> memory_storage::remove(const std::string& path) {
  const std::scoped_lock guard(mutex_);
  if (auto failed = begin(storage_call::remove, true)) return *failed;
  if (!names_.contains(path)) return failure(errc::not_found, path + ": no such file");
  change_name({path, "", nullptr});
  return {};
}

result<void> memory_storage::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock guard(mutex_);
  if (auto failed = begin(storage_call::rename, true)) return *failed;
  const auto found = names_.find(from);
  if (found == names_.end()) return failure(errc::not_found, from + ": no such file");
  if (!directories_.contains(parent(to)))
    return failure(errc::not_found, parent(to) + ": no such directory");
  change_name({from, to, found->second});
  return {};
}

result<void> memory_storage::sync_directory(const std::string& directory) {
  const std::scoped_lock guard(mutex_);
  if (auto failed = begin(storage_call::sync_directory, true)) return *failed;
  if (!directories_.contains(directory))
    return failure(errc::not_found, directory + ": no such directory");
  std::erase_if(unsynced_names_, [&](const name_change& change) {
    const bool here = (!change.gone.empty() && inside(change.gone, directory)) ||
                      (!change.made.empty() && inside(change.made, directory));
    if (here) apply(durable_names_, change);
    return here;
  });
  return {};
}

result<std::unique_ptr<directory_lock>> memory_storage::lock(const std::string& directory) {
  const std::scoped_lock guard(mutex_);
  if (auto failed = begin(storage_call::lock, false)) return *failed;
  if (!directories_.contains(directory))
    return failure(errc::not_found, directory + ": no such directory");
  if (!locks_.insert(directory).second)
    return failure(errc::locked, directory + ": held by another process");
  return std::unique_ptr<directory_lock>(std::make_unique<lock_handle>(*this, directory));
}

void memory_storage::fail(fault what) {
  const std::scoped_lock guard(mutex_);
  fault_ = what;
  hit_ = false;
}

void memory_storage::halt_at(std::uint64_t n) {
  const std::scoped_lock guard(mutex_);
  halt_ = n;
  hit_ = false;
}

void memory_storage::heal() {
  const std::scoped_lock guard(mutex_);
  fault_.reset();
  halt_.reset();
  halted_ = false;
}

bool memory_storage::hit() const {
  const std::scoped_lock guard(mutex_);
  return hit_;
}

std::uint64_t memory_storage::calls() const {
  const std::scoped_lock guard(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : calls_) sum += count;
  return sum;
}

std::uint64_t memory_storage::calls(storage_call kind) const {
  const std::scoped_lock guard(mutex_);
  const auto found = calls_.find(kind);
  return found == calls_.end() ? 0 : found->second;
}

void memory_storage::set_free_bytes(std::optional<std::uint64_t> free_bytes) {
  const std::scoped_lock guard(mutex_);
  capacity_bytes_.reset();
  if (free_bytes) capacity_bytes_ = used_bytes_locked() + *free_bytes;
}

std::uint64_t memory_storage::used_bytes() const {
  const std::scoped_lock guard(mutex_);
  return used_bytes_locked();
}

std::uint64_t memory_storage::used_bytes_locked() const {
  std::uint64_t sum = 0;
  for (const auto& [path, target] : names_) sum += target->size;
  return sum;
}

bool memory_storage::has_room(const node& which, std::uint64_t size) const {
  if (!capacity_bytes_ || size <= which.size) return true;
  return used_bytes_locked() + (size - which.size) <= *capacity_bytes_;
}

void memory_storage::restart() {
  ++epoch_;
  locks_.clear();
  fault_.reset();
  halt_.reset();
  halted_ = false;
}

void memory_storage::crash(random_source& random) {
  const std::scoped_lock guard(mutex_);
  // In the order of names, not of addresses: the same seed must give the same disk.
  std::vector<std::shared_ptr<node>> nodes;
  const auto add = [&](const std::shared_ptr<node>& each) {
    if (each && std::find(nodes.begin(), nodes.end(), each) == nodes.end()) nodes.push_back(each);
  };
  for (const auto& [path, target] : names_) add(target);
  for (const auto& [path, target] : durable_names_) add(target);
  for (const auto& change : unsynced_names_) add(change.target);
  for (const auto& each : nodes) each->crash(random);
  for (const auto& change : unsynced_names_)
    if (random.next() % 2 == 0) apply(durable_names_, change);
  unsynced_names_.clear();
  names_ = durable_names_;
  restart();
}

void memory_storage::kill_process() {
  const std::scoped_lock guard(mutex_);
  restart();
}

bytes memory_storage::contents(const std::string& path) const {
  const std::scoped_lock guard(mutex_);
  const auto& target = *names_.at(path);
  bytes content(target.size, '\0');
  target.read(0, content);
  return content;
}

void memory_storage::set_contents(const std::string& path, bytes_view content) {
  const std::scoped_lock guard(mutex_);
  const auto made = std::make_shared<node>();
  made->write(0, content);
  made->sync();
  for (auto each = parent(path); !each.empty(); each = parent(each)) directories_.insert(each);
  names_[path] = made;
  durable_names_[path] = made;
}

std::vector<std::string> memory_storage::paths() const {
  const std::scoped_lock guard(mutex_);
  std::vector<std::string> found;
  for (const auto& [path, target] : names_) found.push_back(path);
  return found;
}

}  // namespace linkd::test

// The paths that every message takes, over fakes in memory, without clock or chance. hot_paths.py
// counts the instructions: the same in each run.
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "interest/interest_table.hpp"
#include "mqtt/native/protocol.hpp"
#include "mqtt_linkd/limits.hpp"
#include "queue/link_queue.hpp"
#include "session/receiver.hpp"
#include "session/sender.hpp"
#include "tests/sim/site.hpp"
#include "tests/support/memory_storage.hpp"
#include "wire/record.hpp"

using namespace linkd;

namespace {

constexpr std::uint64_t queue_id = 7;
constexpr stamp captured_at{milliseconds(1'800'000'000'000)};
constexpr time_point at{seconds(1000)};
constexpr std::size_t batch_messages = 64;
const std::string topic = "site/paris/device/0042/temperature";
const bytes accepted("\x20\x03\x00\x00\x00", 5);

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

// 200 bytes, no two messages alike.
class telemetry {
 public:
  message next() {
    message out;
    out.topic = topic;
    const std::uint64_t scattered = ++number_ * 0x9e3779b97f4a7c15u;
    out.payload = R"({"device":"0042","number":)" + std::to_string(number_) + R"(,"temperature":)" +
                  std::to_string(scattered % 1000) + R"(,"state":")" + std::to_string(scattered);
    out.payload.resize(200, '.');
    out.qos = 1;
    return out;
  }

 private:
  std::uint64_t number_ = 0;
};

mqtt::native::protocol connected() {
  mqtt::client_settings settings;
  settings.client_id = "linkd";
  mqtt::native::protocol out(settings);
  must(out.connect({}).has_value(), "CONNECT");
  bytes_view in = accepted;
  out.receive(in, at);
  must(out.is_up(), "CONNACK");
  out.events().clear();
  out.written(out.output().size(), at);
  return out;
}

// A queue on a disk in memory.
struct stored {
  void commit() {
    const auto job = queue->start_commit();
    if (!job) return;
    job->run();
    must(queue->finish_commit(job, 0x77).has_value(), "commit");
  }

  test::memory_storage disk;
  std::vector<queue::damage> found;
  std::unique_ptr<queue::link_queue> queue =
      std::move(queue::link_queue::open(disk, "queue", {}, queue_id, captured_at, found).value());
};

// From the bytes of the broker to the committed queue.
void capture(std::size_t count) {
  auto broker = connected();
  telemetry source;
  interest::interest_table wanted;
  wanted.set(0, {"site/#"});
  stored to;
  for (std::size_t done = 0; done < count; done += batch_messages) {
    bytes in;
    for (std::size_t i = 0; i < batch_messages; ++i) {
      const auto put = mqtt::native::put_publish(
          in, source.next(), {1, false, static_cast<std::uint16_t>(done + i + 1)}, true, 1u << 20);
      must(put.has_value(), "PUBLISH");
    }
    bytes_view rest = in;
    broker.receive(rest, at);
    for (auto& each : broker.events()) {
      const message& what = std::get<mqtt::received_message>(each).what;
      std::vector<interest::link_index> links;
      wanted.match(what.topic, links);
      must(links.size() == 1, "match");
      to.queue->append(wire::encode_record(captured_at, what), captured_at);
    }
    broker.events().clear();
    to.commit();
    broker.written(broker.output().size(), at);
  }
  must(to.queue->messages() == count, "capture");
}

wire::hello peer_hello() {
  wire::hello out;
  out.features = {std::string(wire::feature_zstd)};
  out.inflight_bytes_max = limits::inflight_bytes_max;
  out.frame_bytes_max = limits::frame_bytes_max;
  out.message_bytes_max = 1u << 20;
  out.received = {queue_id, 0};
  out.queue_id = queue_id;
  return out;
}

session::local_side local_side() {
  session::local_side out;
  out.queue_id = queue_id;
  out.received = {queue_id, 0};
  return out;
}

// From the queue to the frames of the link.
std::vector<bytes> send(std::size_t count) {
  telemetry source;
  stored from;
  session::sender sender;
  must(sender.start(local_side(), peer_hello()).has_value(), "sender");
  std::vector<bytes> frames;
  for (std::size_t done = 0; done < count; done += batch_messages) {
    for (std::size_t i = 0; i < batch_messages; ++i) {
      from.queue->append(wire::encode_record(captured_at, source.next()), captured_at);
    }
    from.commit();
    const auto pull = sender.want_data(limits::batch_bytes, at, at);
    const auto batch = from.queue->read(pull.offset, pull.bytes, from.found);
    std::vector<wire::numbered_record> records;
    for (const auto& each : batch.records) {
      must(wire::peek_record(each.body).has_value(), "record");
      records.push_back({each.offset, each.body});
    }
    for (auto& each : sender.make_data(pull.offset, batch.end, records, 0)) {
      frames.push_back(wire::encode({1, std::move(each)}));
    }
    wire::ack answer;
    answer.delivered = batch.end;
    must(sender.on_ack(answer).has_value(), "ACK");
    from.queue->release(batch.end);
  }
  must(sender.position() == count, "send");
  return frames;
}

// From the frames of the link to the bytes for the broker, and its PUBACKs.
void publish(std::size_t count) {
  auto broker = connected();
  session::receiver receiver;
  std::vector<session::effect> effects;
  must(receiver.start(local_side(), peer_hello(), at, effects).has_value(), "receiver");
  std::size_t published = 0;
  for (const bytes& each : send(count)) {
    auto frame = wire::decode(each);
    must(frame.has_value(), "frame");
    must(receiver.on_data(std::get<wire::data>(std::move(frame->body)), at, effects).has_value(),
         "DATA");
    bytes answers;
    for (const auto& effect : std::exchange(effects, {})) {
      const auto* delivered = std::get_if<session::deliver>(&effect);
      if (!delivered) continue;
      for (const auto& record : delivered->records) {
        const auto id = broker.publish(wire::decode_record(record.record).value().content);
        must(id.has_value(), "publish");
        put_acknowledgement(answers, mqtt::native::packet_type::puback,
                            static_cast<std::uint16_t>(*id));
      }
    }
    broker.written(broker.output().size(), at);
    bytes_view in = answers;
    while (broker.receive(in, at)) {
    }
    published += broker.events().size();
    broker.events().clear();
    receiver.on_delivered(receiver.position());
  }
  must(published == count, "publish");
}

// A topic in a table of 10,000 filters of many kinds.
void match(std::size_t count) {
  interest::interest_table table;
  std::vector<std::string> filters;
  for (int i = 0; i < 10'000; ++i) {
    const std::string device = "site/" + std::to_string(i % 40) + "/device/" + std::to_string(i);
    filters.push_back(device + (i % 10 == 0 ? "/#" : i % 10 == 1 ? "/+/raw" : "/temperature"));
  }
  table.set(3, filters);
  std::vector<interest::link_index> links;
  for (std::size_t i = 0; i < count; ++i) {
    links.clear();
    const std::string number = std::to_string(i % 10'000);
    table.match("site/" + std::to_string(i % 40) + "/device/" + number + "/temperature", links);
  }
}

// Two whole cores, one message at a time: what has to be settled after each event.
void core(std::size_t count) {
  sim::world in(1);
  sim::sim_network net(in);
  sim::site a(in, net, "a"), b(in, net, "b");
  a.configure({sim::link_to("a", "b", {})});
  b.configure({sim::link_to("b", "a", {"#"})});
  a.start();
  b.start();
  must(in.run_until([&] { return a.all_links_up() && b.all_links_up(); }, seconds(60)), "links");
  in.run_for(seconds(1));
  for (std::size_t i = 0; i < count; ++i) {
    a.publish("t");
    in.run_for(milliseconds(1));
  }
  must(in.run_until([&] { return b.arrivals().size() == count; }, seconds(60)), "core");
}

}  // namespace

// hot_paths PATH MESSAGES
int main(int argc, char** argv) {
  const std::map<std::string, void (*)(std::size_t)> paths{
      {"capture", capture},
      {"send", [](std::size_t count) { send(count); }},
      {"publish", publish},
      {"match", match},
      {"core", core}};
  if (argc != 3 || !paths.contains(argv[1])) {
    std::cerr << "usage: hot_paths capture|send|publish|match|core MESSAGES\n";
    return EXIT_FAILURE;
  }
  try {
    paths.at(argv[1])(std::strtoul(argv[2], nullptr, 10));
  } catch (const std::exception& failed) {
    std::cerr << "hot_paths: " << failed.what() << '\n';
    return EXIT_FAILURE;
  }
}

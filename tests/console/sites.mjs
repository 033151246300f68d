// Deployments for the test: a mosquitto broker and a daemon each, on free loopback ports, with their
// files in a temporary directory.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const patienceMs = 30000;

export async function eventually(what, condition) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${patienceMs / 1000} s`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

// All at once: a port that is given back could be given out again.
async function freePorts(count) {
  const listening = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(listening.map((server) => once(server, "listening")));
  const ports = listening.map((server) => server.address().port);
  await Promise.all(listening.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

export class Site {
  static async make(name, daemonProgram, token = null) {
    const site = new Site();
    site.name = name;
    site.program = daemonProgram;
    site.directory = mkdtempSync(join(tmpdir(), `linkd-${name}-`));
    [site.brokerPort, site.adminPort] = await freePorts(2);
    site.url = `http://127.0.0.1:${site.adminPort}/`;
    mkdirSync(join(site.directory, "links.d"));
    if (token) writeFileSync(join(site.directory, "token"), token, { mode: 0o600 });
    writeFileSync(
      join(site.directory, "mqtt-linkd.yaml"),
      `deployment: ${name}\nbroker: { server: mqtt://127.0.0.1:${site.brokerPort} }\n` +
        `admin: { server: http://127.0.0.1:${site.adminPort}, token_file: ${token ? "token" : ""} }\n` +
        "state_dir: state\n",
    );
    writeFileSync(
      join(site.directory, "mosquitto.conf"),
      `listener ${site.brokerPort} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\n`,
    );
    site.broker = site.spawn(
      "broker",
      "/usr/sbin/mosquitto",
      "-c",
      join(site.directory, "mosquitto.conf"),
    );
    await eventually(`broker of ${name}`, () => accepts(site.brokerPort));
    return site;
  }

  spawn(name, program, ...words) {
    const log = openSync(join(this.directory, `${name}.log`), "a");
    return spawn(program, words, { stdio: ["ignore", log, log] });
  }

  async start() {
    this.daemon = this.spawn("daemon", this.program, "-c", join(this.directory, "mqtt-linkd.yaml"));
    await eventually(`daemon of ${this.name}`, () => {
      if (this.daemon.exitCode !== null) throw new Error(this.log());
      return accepts(this.adminPort);
    });
  }

  // SIGTERM and the end of it.
  async stop() {
    if (!this.daemon || this.daemon.exitCode !== null) return;
    const ended = new Promise((resolve) => this.daemon.on("exit", resolve));
    this.daemon.kill();
    await ended;
  }

  async remove() {
    await this.stop();
    this.broker.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  linkFile(peer) {
    return join(this.directory, "links.d", `${peer}.yaml`);
  }

  link(peer) {
    return readFileSync(this.linkFile(peer), "utf8");
  }

  writeLink(peer, yaml) {
    writeFileSync(this.linkFile(peer), `name: ${peer}\n${yaml}`);
  }

  publish(topic, payload) {
    const { status } = spawnSync(
      "mosquitto_pub",
      ["-V", "5", "-p", this.brokerPort, "-q", "1", "-t", topic, "-m", payload],
      { timeout: patienceMs },
    );
    if (status !== 0) throw new Error(`publish to ${topic}: ${status}`);
  }

  log() {
    return readFileSync(join(this.directory, "daemon.log"), "utf8");
  }
}

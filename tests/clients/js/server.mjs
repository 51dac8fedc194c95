// A server program of a customer: the published @stream-io/node-sdk, pointed at Isotrack.
//
// It does what `python_server.py` does with the published Python package, in the same order, and
// prints what it was answered under the same names: one set of tests reads both.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { StreamClient } from "@stream-io/node-sdk";

const { ISOTRACK_URL, ISOTRACK_API_KEY, ISOTRACK_API_SECRET, STAGE_URL, FOLDER } = process.env;
const story = JSON.parse(process.env.STORY);
const PAUSE_MS = 300;
const INDIVIDUAL = { recording_type: "individual" };

const client = new StreamClient(ISOTRACK_API_KEY, ISOTRACK_API_SECRET, {
  basePath: ISOTRACK_URL,
  timeout: 15_000,
});
const call = client.video.call(story.call_type, story.call_id);
const told = {};

const recording = (mode, output_types) => ({ individual_recording: { mode, output_types } });

const isRunning = ({ call }) => call.egress.individual_recording?.status === "running";

async function refused(ask) {
  try {
    await ask();
  } catch (error) {
    return { status: error.metadata.responseCode, code: error.code, message: error.message };
  }
  throw new Error("it was not refused");
}

// People come and go when the test says so: they are no clients of the API.
async function stage(action) {
  const answer = await fetch(`${STAGE_URL}/stage/${action}`, {
    method: "POST",
    body: JSON.stringify({ cid: story.cid }),
  });
  if (!answer.ok) throw new Error(`${action}: ${await answer.text()}`);
}

// Users with their roles, and a call type with its settings and grants.
async function prepare() {
  told.users = await client.upsertUsers([
    { id: story.host, name: "Host", role: "user" },
    { id: story.guest, custom: { team: "blue" } },
  ]);
  const name = story.call_type;
  told.type_created = await client.video.createCallType({
    name,
    settings: recording("available", story.default),
    grants: story.grants,
  });
  await client.video.createCallType({ name: story.spare_type });
  told.type_updated = await client.video.updateCallType({
    name,
    settings: recording("auto-on", story.default.slice(0, 1)),
  });
  await client.video.updateCallType({ name, settings: recording("available", story.default) });
  told.type_read = await client.video.getCallType({ name });
  told.types_listed = await client.video.listCallTypes();
}

// A call with members, that asks for all six kinds of files.
async function setUp() {
  told.missing = await refused(() => call.get());
  told.created = await call.getOrCreate({
    data: {
      created_by_id: story.host,
      members: [{ user_id: story.host, role: "host" }],
      custom: { subject: "iso" },
    },
  });
  told.created_again = await call.getOrCreate({ data: { created_by_id: story.guest } });
  told.updated = await call.update({ settings_override: recording("available", story.all) });
  told.members_added = await call.updateCallMembers({
    update_members: [{ user_id: story.guest, custom: { seat: 2 } }],
  });
  told.members_found = await call.queryMembers();
  told.members_removed = await call.updateCallMembers({ remove_members: [story.guest] });
  told.calls_found = await client.video.queryCalls({
    filter_conditions: { cid: { $in: [story.cid] } },
  });
}

// People join, are recorded, and leave.
async function record() {
  told.start_refused = await refused(() => call.startRecording(INDIVIDUAL));
  told.stop_refused = await refused(() => call.stopRecording(INDIVIDUAL));
  await stage("gather");
  told.started = await call.startRecording(INDIVIDUAL);
  told.start_again_refused = await refused(() => call.startRecording(INDIVIDUAL));
  const deadline = Date.now() + story.started_ms;
  do {
    await sleep(PAUSE_MS);
    told.running = await call.get(); // the answer to a start comes before it runs
  } while (!isRunning(told.running) && Date.now() < deadline);
  await sleep(story.recorded_ms);
  told.stopped = await call.stopRecording(INDIVIDUAL);
  told.stop_again_refused = await refused(() => call.stopRecording(INDIVIDUAL));
  await stage("disperse");
}

// The files, each by its URL; then one of them is deleted.
async function collect() {
  const deadline = Date.now() + story.listed_ms;
  do {
    await sleep(PAUSE_MS);
    told.listed = await call.listRecordings();
  } while (told.listed.recordings.length < story.files && Date.now() < deadline);
  for (const { filename, url } of told.listed.recordings) {
    const body = await (await fetch(url)).arrayBuffer();
    await writeFile(join(FOLDER, filename), Buffer.from(body));
  }
  const { session_id: session, filename } = told.listed.recordings.at(-1);
  told.deleted = await call.deleteRecording({ session, filename });
  told.delete_again_refused = await refused(() => call.deleteRecording({ session, filename }));
  told.listed_after = await call.listRecordings();
  told.read = await call.get();
}

await prepare();
await setUp();
await record();
await collect();
told.type_deleted = await client.video.deleteCallType({ name: story.spare_type });
console.log(JSON.stringify(told));

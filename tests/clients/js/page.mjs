// A page of a customer: the published @stream-io/video-client, pointed at Isotrack.
//
// Bea makes a call, watches it and has it recorded; Cal is a member who may only watch; Stan has
// nothing to do with it. What each was answered and told is reported at the end, by step.

import { StreamVideoClient } from "@stream-io/video-client";

const TYPES = [
  "call.updated",
  "call.session_started",
  "call.session_participant_joined",
  "call.session_participant_left",
  "call.session_ended",
  "call.recording_started",
  "call.recording_stopped",
  "call.recording_ready",
  "call.recording_failed",
];
const PATIENCE_MS = 90_000;

const setting = await (await fetch("/setting.json")).json();
const told = {};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const connect = () =>
  new StreamVideoClient(setting.api_key, {
    baseURL: `${setting.url}/video`,
    timeout: 15_000,
    locationHintUrl: `${location.origin}/hint`,
    maxConnectUserRetries: 1,
  });

async function refused(ask) {
  try {
    await ask();
  } catch (error) {
    return { status: error.status, code: error.code, message: error.message };
  }
  throw new Error("it was not refused");
}

// People come and go when the test says so: they are no clients of the API.
async function stage(action, more = {}) {
  const body = JSON.stringify({ cid: setting.cid, ...more });
  const answer = await fetch(`/stage/${action}`, { method: "POST", body });
  if (!answer.ok) throw new Error(`${action}: ${await answer.text()}`);
}

// Keeps the events of some types that a call is told, and waits for them.
function listen(call) {
  const events = [];
  for (const type of TYPES) call.on(type, (event) => events.push(event));
  const of = (type) => events.filter((event) => event.type === type);
  return {
    events,
    async until(type, count = 1) {
      const deadline = Date.now() + PATIENCE_MS;
      while (of(type).length < count) {
        if (Date.now() > deadline)
          throw new Error(`${type} did not come, but ${events.map((event) => event.type)}`);
        await sleep(50);
      }
      return of(type).at(-1);
    },
  };
}

// Plays a file by its URL for a moment, as a page does with a <video>.
async function play(url) {
  const video = document.querySelector("video");
  const next = (name) =>
    new Promise((resolve, refuse) => {
      video.addEventListener(name, resolve, { once: true });
      video.addEventListener("error", () => refuse(new Error(video.error.message)), { once: true });
    });
  const ready = next("loadedmetadata");
  video.src = url;
  await ready;
  const moves = next("timeupdate");
  await video.play();
  await moves;
  video.pause();
  return { duration: video.duration, width: video.videoWidth, height: video.videoHeight };
}

async function run() {
  const bea = connect();
  told.connected = await bea.connectUser({ id: "bea", name: "Bea" }, setting.tokens.bea);
  const call = bea.call(setting.call_type, setting.call_id);
  const bell = listen(call);
  const switches = [];
  call.state.individualRecording$.subscribe((on) => switches.push(on));

  told.created = await call.getOrCreate({
    data: {
      members: [{ user_id: "cal" }],
      settings_override: {
        individual_recording: { mode: "available", output_types: setting.output_types },
      },
    },
  });
  told.settings = call.state.settings.individual_recording;
  told.capabilities = call.state.ownCapabilities;

  const cal = connect();
  await cal.connectUser({ id: "cal" }, setting.tokens.cal);
  const calls = cal.call(setting.call_type, setting.call_id);
  const calsBell = listen(calls);
  told.cal_read = await calls.get();
  told.cal_capabilities = calls.state.ownCapabilities;

  const stan = connect();
  await stan.connectUser({ id: "stan" }, setting.tokens.stan);
  const stans = stan.call(setting.call_type, setting.call_id);
  const overheard = [];
  stan.on("all", (event) => event.call_cid && overheard.push(event.type));
  told.stan_get = await refused(() => stans.get());
  told.stan_join_in = await refused(() => stans.getOrCreate());
  told.stan_list = await refused(() => stans.listRecordings());
  told.stan_query = await stan.queryCalls({ filter_conditions: { cid: setting.cid }, watch: true });

  await call.update({ custom: { subject: "iso" } });
  await bell.until("call.updated");
  told.custom = call.state.custom;

  told.start_early = await refused(() => call.startRecording("individual"));
  await stage("gather");
  await bell.until("call.session_started");
  await bell.until("call.session_participant_joined", 2);
  told.participants = call.state.session.participants;

  told.cal_start = await refused(() => calls.startRecording("individual"));
  told.stan_start = await refused(() => stans.startRecording("individual"));
  told.started = await call.startRecording("individual");
  const { egress_id } = await bell.until("call.recording_started");
  told.on = call.state.individualRecording;
  told.start_again = await refused(() => call.startRecording("individual"));
  await calsBell.until("call.recording_started");
  told.cal_on = calls.state.individualRecording;
  await sleep(setting.recorded_ms);

  told.cal_stop = await refused(() => calls.stopRecording("individual"));
  told.stan_stop = await refused(() => stans.stopRecording("individual"));
  told.stopped = await call.stopRecording("individual");
  await bell.until("call.recording_stopped");
  told.off = call.state.individualRecording;
  told.stop_again = await refused(() => call.stopRecording("individual"));

  await stage("spoil", { egress_id });
  await bell.until("call.recording_ready", setting.files);
  await bell.until("call.recording_failed");
  told.listed = await call.listRecordings();
  const { recordings } = told.listed;
  told.cal_listed = await calls.listRecordings();
  const film = recordings.find((recording) => recording.output_type === "audio_video");
  told.played = await play(film.url);
  const { session_id, filename } = recordings.at(-1);
  told.cal_delete = await refused(() => calls.deleteRecording(session_id, filename));
  told.deleted = await call.deleteRecording(session_id, filename);
  told.listed_after = await call.listRecordings();

  await stage("disperse");
  await bell.until("call.session_participant_left", 2);
  await bell.until("call.session_ended");

  Object.assign(told, { switches, overheard, events: bell.events, cal_events: calsBell.events });
  for (const client of [bea, cal, stan]) await client.disconnectUser();
}

try {
  await run();
} catch (error) {
  told.error = `${error.stack ?? error}`;
}
await fetch("/report", { method: "POST", body: JSON.stringify(told) });

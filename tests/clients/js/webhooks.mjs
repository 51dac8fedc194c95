// A webhook receiver and a queue consumer of a customer, with the helpers of the published
// @stream-io/node-sdk: what they make of deliveries on standard input is printed.

import { text } from "node:stream/consumers";

import { StreamClient } from "@stream-io/node-sdk";

const client = new StreamClient("key", process.env.ISOTRACK_API_SECRET);
const { deliveries, messages } = JSON.parse(await text(process.stdin));

function attempt(parse) {
  try {
    return { event: parse() };
  } catch (error) {
    return { refused: `${error.name}: ${error.message}` };
  }
}

console.log(
  JSON.stringify({
    verified: deliveries.map(({ body, signature }) => client.verifyWebhook(body, signature)),
    delivered: deliveries.map(({ body, signature }) =>
      attempt(() => client.verifyAndParseWebhook(Buffer.from(body), signature)),
    ),
    queued: messages.map((message) => attempt(() => client.parseSqs(message))),
  }),
);

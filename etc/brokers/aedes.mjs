// aedes 1.2 beside mqtt-linkd: npm install aedes
// In mqtt-linkd.yaml: `profile: aedes`.
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

// Everything is in memory: a restart forgets our session, what waits in it and the retained
// messages. With a persistence module it keeps them, { persistence: ... } of createBroker(); with
// aedes-persistence-level 9 a message may overtake another.
const broker = await Aedes.createBroker()
createServer(broker.handle).listen(process.env.AEDES_PORT ?? 1883, process.env.AEDES_HOST)

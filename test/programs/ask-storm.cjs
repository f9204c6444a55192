// Many connections to a run's socket, of every kind that a client may be, several at a time; prints
// {"pid":…,"right":N,"wrong":[…]}. The answers to be right depend on who this process is:
//   node ask-storm.cjs SOCKET COUNT member|outsider NAME VALUE
const { connect } = require('node:net');

const [path, count, who, name, value] = process.argv.slice(2);
const AT_ONCE = 40;
const good = `${JSON.stringify({ v: 1, get: name })}\n`;
const given = (answer) => Buffer.from(answer.value ?? '', 'base64').toString() === value;
const refused = (code) => (answer) => answer.error?.code === code;

/** What is sent, whether its side is ended or it leaves at once, and what a member must be told. */
const KINDS = [
  { sends: [good], right: given },
  { sends: [...good], right: given },
  { sends: [good, good], right: given },
  { sends: [good], ends: true, right: given },
  { sends: ['{"v":1,"get":"never/granted"}\n'], right: refused('E_GRANT_MISSING') },
  { sends: ['{\n'], right: refused('E_USAGE') },
  { sends: ['{"v":2,"get":"x"}\n'], right: refused('E_USAGE') },
  { sends: ['x'.repeat(5000)], right: refused('E_USAGE') },
  { sends: [good.slice(0, 9)], ends: true, right: refused('E_USAGE') },
  { sends: [good.slice(0, 9)], leaves: true },
  { sends: [good], leaves: true },
  { sends: [], leaves: true },
];

function talk(kind) {
  return new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', (error) => {
      if (error.code === 'EAGAIN') answer = 'full';
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => resolve(answer));
    socket.on('connect', async () => {
      for (const part of kind.sends) {
        socket.write(part);
        await new Promise((next) => setImmediate(next));
      }
      if (kind.ends) socket.end();
      if (kind.leaves) socket.destroy();
    });
  });
}

async function main() {
  const wrong = [];
  let right = 0;
  let next = 0;
  const worker = async () => {
    while (next < Number(count)) {
      const kind = KINDS[next++ % KINDS.length];
      let text = await talk(kind);
      while (text === 'full') text = await talk(kind);
      const expected = who === 'member' ? kind.right : refused('E_NOT_IN_TREE');
      let isRight = text.endsWith('\n') && text.indexOf('\n') === text.length - 1;
      // Who leaves may still have been told, but nothing that others may not know.
      if (kind.leaves) isRight = who === 'member' || !text.includes('value');
      else if (isRight) isRight = expected(JSON.parse(text));
      if (isRight) right += 1;
      else wrong.push([kind.sends.join('').slice(0, 40), text]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.stdout.write(`${JSON.stringify({ pid: process.pid, right, wrong })}\n`);
}

void main();

// A real SMTP server of our own that keeps what it is given.

import { SMTPServer } from 'smtp-server';
import { simpleParser } from 'mailparser';
import { until } from './http.js';

export class MailSink {
  /** Listens on a loopback port. `refuse` (a function of the recipient) answers with an SMTP code instead of taking the mail. */
  static async open() {
    const sink = new MailSink();
    sink.messages = [];
    sink.refuse = () => undefined;
    sink.connections = 0;
    sink.server = new SMTPServer({
      authOptional: true,
      // quoted local parts with dots in odd places, as old carriers' addresses are sent
      lenientAddressParsing: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      logger: false,
      onConnect(session, done) {
        sink.connections += 1;
        done();
      },
      onRcptTo({ address }, session, done) {
        const code = sink.refuse(address);
        if (!code) return done();
        const error = new Error(code >= 500 ? 'no such user' : 'try again later');
        error.responseCode = code;
        return done(error);
      },
      onData(stream, session, done) {
        const chunks = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', async () => {
          const raw = Buffer.concat(chunks);
          const parsed = await simpleParser(raw);
          sink.messages.push({
            to: session.envelope.rcptTo.map(({ address }) => address),
            sender: session.envelope.mailFrom?.address,
            from: parsed.from?.value[0]?.address,
            subject: parsed.subject,
            text: parsed.text ?? '',
            messageId: parsed.messageId,
            headers: parsed.headers,
            links: [...(parsed.text ?? '').matchAll(/https?:\/\/[^\s<>"」）]+/g)].map(([link]) => link),
            raw,
            at: Date.now(),
          });
          done();
        });
      },
    });
    sink.server.on('error', () => {});
    await new Promise((resolve) => sink.server.listen(0, '127.0.0.1', resolve));
    sink.port = sink.server.server.address().port;
    sink.url = `smtp://127.0.0.1:${sink.port}`;
    return sink;
  }

  /** Mails to one address, oldest first, each Message-ID once: delivery is at least once, a second copy has the same id. */
  to(address) {
    const seen = new Set();
    const plain = (text) => text.toLowerCase().replace(/^"(.*)"@/, '$1@');
    return this.messages.filter((mail) => {
      if (!mail.to.some((to) => plain(to) === plain(address)) || seen.has(mail.messageId)) return false;
      seen.add(mail.messageId);
      return true;
    });
  }

  /** Waits until `address` has got its `count`th mail and gives it. */
  async wait(address, count = 1) {
    return until(`mail ${count} to ${address}`, () => this.to(address)[count - 1], { timeout: 20_000 });
  }

  async close() {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

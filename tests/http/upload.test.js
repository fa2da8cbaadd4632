// Pictures of documents: taken apart and put together anew, or refused.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { before, it } from 'node:test';
import {
  canary, dimensions, gifImage, impostors, jpegBomb, jpegImage, pixel, pngBomb, pngImage, pngTextBomb,
} from '../support/images.js';
import { apply, expectPage, fillForm, openApplication, reachForm } from '../support/journey.js';
import { clerk, graduate, licence } from '../support/people.js';
import { signedIn } from '../support/protocol.js';
import { everybody, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('document images', { accounts: everybody }, (at) => {
  let visitor;
  before(async () => {
    visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor, {}, {});
  });

  const upload = async (file, slot = 'document_front') => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    await expectPage(visitor, 'form');
    await fillForm(visitor, {}, { [slot]: file });
    await visitor.press('check');
  };

  it('a missing picture of the front is an error of that item', async () => {
    await fillForm(visitor, {}, {});
    await visitor.press('check');
    assert.equal(visitor.status, 422);
    assert.ok(await visitor.exists('[name=document_front][aria-invalid=true]'), visitor.describe());
  });

  for (const [what, [name, type, bytes]] of Object.entries(impostors)) {
    it(`refuses ${what}`, async () => {
      await upload({ name, type, bytes });
      assert.ok(visitor.status >= 400 && visitor.status < 500, visitor.describe());
      if (visitor.status === 422) assert.ok(await visitor.exists('[name=document_front][aria-invalid=true]'));
      const picture = await visitor.send(`${at.provider.issuer()}/register/document/document_front`);
      assert.equal(picture.status, 404, 'nothing was kept');
    });
  }

  for (const [what, bomb] of Object.entries({
    'a PNG that says 50,000 × 50,000': ['bomb.png', 'image/png', pngBomb()],
    'a JPEG that says 65,500 × 65,500': ['bomb.jpg', 'image/jpeg', jpegBomb()],
  })) {
    it(`refuses ${what} within two seconds and without eating memory`, async () => {
      const { rss } = await at.provider.usage();
      const started = Date.now();
      await upload({ name: bomb[0], type: bomb[1], bytes: bomb[2] });
      assert.ok(visitor.status >= 400 && visitor.status < 500, visitor.describe());
      assert.ok(Date.now() - started < 4_000, `${Date.now() - started} ms`);
      assert.ok((await at.provider.usage()).rss - rss < 100);
    });
  }

  for (const [what, bomb] of Object.entries({
    'a GIF of ten thousand frames': ['many.gif', 'image/gif', gifImage({ frames: 10_000 })],
    'a PNG whose text unfolds to 100 MB': ['text.png', 'image/png', pngTextBomb()],
  })) {
    it(`takes the first picture of ${what}, or refuses it, without eating memory or time`, async () => {
      const { rss } = await at.provider.usage();
      const started = Date.now();
      await upload({ name: bomb[0], type: bomb[1], bytes: bomb[2] });
      assert.ok([200, 413, 415, 422].includes(visitor.status), visitor.describe());
      assert.ok(Date.now() - started < 5_000);
      assert.ok((await at.provider.usage()).rss - rss < 100);
    });
  }

  it('refuses a file that is larger than the tenant allows, and says so', async () => {
    const bytes = Buffer.concat([jpegImage(), Buffer.alloc(6 * 1024 * 1024, 0x20)]);
    await upload({ name: 'large.jpg', type: 'image/jpeg', bytes }).catch((error) => {
      // the connection may be closed before all was sent
      assert.match(String(error.code), /EPIPE|ECONNRESET/);
      visitor.answer = { ...visitor.answer, status: 413 };
    });
    assert.ok([413, 422].includes(visitor.answer.status));
  });

  for (const [what, file] of Object.entries({
    jpeg: licence(),
    png: { name: 'card.png', type: 'image/png', bytes: pngImage({ text: true }) },
    gif: { name: 'card.gif', type: 'image/gif', bytes: gifImage({ comment: canary }) },
    'a jpeg called png': { name: 'card.png', type: 'image/png', bytes: jpegImage() },
    'a name that climbs out': { name: '../../../../etc/passwd.jpg', type: 'image/jpeg', bytes: jpegImage() },
  })) {
    it(`takes ${what} or refuses the contradiction; what is kept holds no metadata, comment or trailing byte`, async () => {
      await upload(file);
      if (visitor.status === 422 && what === 'a jpeg called png') return;
      await expectPage(visitor, 'check');
      const picture = await visitor.send(`${at.provider.issuer()}/register/document/document_front`);
      assert.equal(picture.status, 200);
      assert.match(picture.headers['content-type'], /^image\/(png|jpeg)$/);
      const served = picture.bytes.toString('latin1');
      for (const trace of [canary, 'Exif', 'xmpmeta', '<script', 'PK\x03\x04']) assert.ok(!served.includes(trace), trace);
      assert.equal(dimensions(picture.bytes).type, picture.headers['content-type']);
    });
  }

  it('a picture taken with a turned camera stands upright', async () => {
    await upload(licence());
    const picture = await visitor.send(`${at.provider.issuer()}/register/document/document_front`);
    const { width, height } = dimensions(picture.bytes);
    assert.ok(height > width, `${width} × ${height}`);
    const [red, green] = pixel(picture.bytes, width - 8, 8);
    assert.ok(red > 150 && green < 80, 'the red corner went to the upper right');
  });

  it('a picture is served without sniffing, caching, embedding elsewhere or running anything', async () => {
    const picture = await visitor.send(`${at.provider.issuer()}/register/document/document_front`);
    assert.equal(picture.headers['x-content-type-options'], 'nosniff');
    assert.match(picture.headers['cache-control'], /no-store/);
    assert.equal(picture.headers['cross-origin-resource-policy'], 'same-origin');
    assert.match(picture.headers['content-security-policy'], /default-src 'none'/);
    assert.match(picture.headers['content-disposition'] ?? 'inline', /^(inline|attachment)/);
    assert.doesNotMatch(picture.headers['content-disposition'] ?? '', /licence/);
  });

  it('another browser, a signed-in graduate and another tenant do not see a draft’s picture', async () => {
    const url = `${at.provider.issuer()}/register/document/document_front`;
    assert.notEqual((await new Visitor().send(url)).status, 200);
    assert.notEqual((await (await signedIn(at.provider, graduate)).send(url)).status, 200);
  });

  it('after the application: clerks see it and it is audited each time; applicant, graduate and anonymous do not', async () => {
    const applicant = new Visitor();
    const { reference } = await apply(applicant, at.provider);
    const desk = await signedIn(at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    const source = await desk.attribute('img[src*="/desk/documents/"]', 'src');
    const count = async () => Number((await at.provider.database.rows("SELECT count(*) AS n FROM audit WHERE action = 'document_viewed'"))[0].n);
    const before = await count();
    const picture = await desk.send(source);
    assert.equal(picture.status, 200);
    assert.ok(dimensions(picture.bytes).height > 0);
    assert.equal(await count(), before + 1);
    await desk.send(source);
    assert.equal(await count(), before + 2);
    const url = new URL(source, at.provider.origin);
    for (const [who, other] of [['anonymous', new Visitor()], ['the applicant', applicant], ['a graduate', await signedIn(at.provider, graduate)]]) {
      const answer = await other.send(url);
      assert.ok([303, 403, 404].includes(answer.status), `${who}: ${answer.status}`);
      assert.doesNotMatch(answer.headers['content-type'] ?? '', /^image/);
    }
    assert.notEqual((await applicant.send(`${at.provider.issuer()}/register/document/document_front`)).status, 200);
    const foreign = url.href.replace('/t/certificate/', '/t/residence/');
    assert.notEqual((await desk.send(foreign)).status, 200);
    assert.equal(await count(), before + 2, 'a refused view is no view');
  });

  it('no picture can be read in the database or the data folder', async () => {
    const [{ n }] = await at.provider.database.rows('SELECT count(*) AS n FROM documents');
    assert.ok(Number(n) > 0);
    const magic = [Buffer.from('ffd8ff', 'hex'), Buffer.from('89504e47', 'hex')];
    const rows = await at.provider.database.rows(
      at.kind === 'sqlite' ? 'SELECT hex(sealed) AS h FROM documents WHERE sealed IS NOT NULL' : "SELECT encode(sealed, 'hex') AS h FROM documents WHERE sealed IS NOT NULL",
    );
    for (const { h } of rows) for (const start of magic) assert.ok(!Buffer.from(h, 'hex').includes(Buffer.concat([start, Buffer.from('e000104a464946', 'hex')])) && !Buffer.from(h, 'hex').subarray(0, 64).includes(start));
    const walk = async (folder) => {
      for (const one of await readdir(folder, { withFileTypes: true })) {
        const file = path.join(folder, one.name);
        if (one.isDirectory()) await walk(file);
        else assert.ok(!(await readFile(file)).includes(Buffer.from('JFIF\0')), file);
      }
    };
    await walk(at.provider.settings.data_dir);
  });

  it('a picture whose sealed bytes were swapped with another’s in the database is not shown', async () => {
    const one = new Visitor();
    const { reference } = await apply(one, at.provider);
    const desk = await signedIn(at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    const source = await desk.attribute('img[src*="/desk/documents/"]', 'src');
    const id = source.split('/').pop().split('?')[0];
    const swap = `UPDATE documents SET sealed = (SELECT sealed FROM documents d WHERE d.id <> '${id}' AND d.sealed IS NOT NULL LIMIT 1) WHERE id = '${id}'`;
    await at.provider.database.execute(swap);
    const answer = await desk.send(source);
    assert.notEqual(answer.status, 200);
    assert.doesNotMatch(answer.headers['content-type'] ?? '', /^image/);
  });
});

/**
 * `GET /v1/recording`: what came in, as a recording, for a rehearsal on another machine. Streamed, so
 * that a month of it costs no memory.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Request, Response } from 'express';
import { codeOf } from '../errors.ts';
import type { JournalSpan } from '../ingest/journal-read.ts';

/** Batches of whole lines, oldest first. */
export type ReadRecording = (span: JournalSpan) => AsyncIterable<readonly string[]>;

export async function sendRecording(
  read: ReadRecording,
  span: JournalSpan,
  request: Request,
  response: Response,
): Promise<void> {
  response.type('application/x-ndjson');
  const texts = Readable.from(inText(read(span)));
  try {
    if (request.acceptsEncodings('gzip') === false) await pipeline(texts, response);
    else {
      response.set('Content-Encoding', 'gzip');
      await pipeline(texts, createGzip(), response);
    }
  } catch (error) {
    // Whoever asked went away: there is nobody to answer.
    if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function* inText(batches: AsyncIterable<readonly string[]>): AsyncGenerator<string> {
  for await (const lines of batches) if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

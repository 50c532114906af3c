/**
 * What must hold for every page, whatever alerts said: it consists of our own elements with our own
 * attributes, leads nowhere but over http, and has no script in it.
 */

const TAG =
  /^<(?:!doctype html|\/?(?:html|head|title|style|body|header|main|article|footer|section|details|summary|p|b|h1|h2|ul|ol|li|dl|dt|dd|span|time|a|form|label|button|input|meta|link|pre|code|table|thead|tbody|tr|th|td|nav|div|i|em|strong|small)(?: [a-z-]+(?:="[^"<>]*")?)*)>$/;
const ATTRIBUTE = / ([a-z-]+)(?:="([^"]*)")?/g;
const ADDRESS = /^(?:\/(?!\/)|https?:\/\/|data:,$|#)/;

/** What is wrong with it; empty when nothing is. */
export function faultsOfPage(page: string): readonly string[] {
  const faults: string[] = [];
  const withoutStyle = page.replace(/<style>[^<]*<\/style>/, '');
  for (const [tag] of withoutStyle.matchAll(/<[^>]*>?/g)) {
    if (!TAG.test(tag)) {
      faults.push(`not our element: ${tag.slice(0, 200)}`);
      continue;
    }
    for (const [, name = '', value = ''] of tag.matchAll(ATTRIBUTE)) {
      if (name.startsWith('on') || name === 'style') faults.push(`acts: ${tag.slice(0, 200)}`);
      const leads = name === 'href' || name === 'action';
      if (leads && !ADDRESS.test(value)) faults.push(`leads elsewhere: ${tag.slice(0, 200)}`);
    }
  }
  const unseen = page.match(/(?![\t\n\r])[\p{Cc}\p{Cs}]|[\u202a-\u202e\u2066-\u2069]/u);
  if (unseen !== null) faults.push('a character that acts unseen');
  return faults;
}

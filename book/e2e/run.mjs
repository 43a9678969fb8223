// Browser tests of the built book.
//
//     npm ci --ignore-scripts
//     node run.mjs [BOOK] [--screenshots DIR]
//
// BOOK is the folder of the built pages, by default ../build. Chromium is taken from
// the environment variable CHROMIUM, or from the PATH. Nothing is downloaded.

import {after, before, describe, test} from 'node:test';
import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {accessSync, constants, existsSync, mkdirSync, readFileSync, readdirSync, statSync} from 'node:fs';
import {delimiter, extname, join, normalize, resolve, sep} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';

const {values: {screenshots}, positionals: [given]} = parseArgs({
    options: {screenshots: {type: 'string'}},
    allowPositionals: true,
});
const book = resolve(given ?? fileURLToPath(new URL('../build', import.meta.url)));
if (!existsSync(join(book, 'index.html'))) {
    stop(`There is no book in ${book}. Build it first: make book`);
}
const chromium = findChromium();
if (!chromium) {
    stop('No Chromium found. Install it (Debian: apt-get install chromium), or name its program in the variable CHROMIUM.');
}
const playwright = await import('playwright-core').catch(() =>
    stop('The packages are missing. Run: npm ci --ignore-scripts'));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const THEMES = ['light', 'rust', 'coal', 'navy', 'ayu'];
const WIDTHS = [390, 1280];
const PAGES = pagesIn(book).filter(page => !['toc.html', '404.html'].includes(page));
const READ = PAGES.filter(page => page !== 'print.html');
const QUIZZES = READ.filter(page => readFileSync(join(book, page), 'utf8').includes('<lab-quiz'));

let browser, server, origin;

before(async () => {
    server = createServer(serve);
    await new Promise(ready => server.listen(0, '127.0.0.1', ready));
    origin = `http://127.0.0.1:${server.address().port}/`;
    browser = await playwright.chromium.launch({
        executablePath: chromium,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
            '--disable-component-update', '--disable-sync'],
    });
});
after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
});

describe('every page', {concurrency: 3}, () => {
    // A few pages at a time, so that the time each test may take does not grow with the book.
    for (const width of WIDTHS) {
        for (let first = 0; first < READ.length; first += 6) {
            const pages = READ.slice(first, first + 6);
            const which = `${pages[0]} to ${pages.at(-1)}`.replaceAll('.html', '');
            test(`looks right in all themes at ${width} px: ${which}`, {timeout: 170_000}, async () => {
                await inContext({width}, async context => {
                    const problems = [];
                    for (const name of pages) {
                        const page = await open(context, origin + name, problems);
                        for (const theme of THEMES) {
                            await choose(page, theme);
                            problems.push(...(await sticksOut(page)).map(what => `${name}, ${theme}: ${what} is wider than the page`));
                            // Most rules know no colours: once is enough.
                            const rules = theme === 'light' ? undefined : ['color-contrast'];
                            if (!rules || width === 1280) {
                                problems.push(...(await accessibility(page, rules)).map(what => `${name}, ${theme}: ${what}`));
                            }
                            if (screenshots) {
                                mkdirSync(screenshots, {recursive: true});
                                await page.screenshot({
                                    path: join(screenshots, `${name.replaceAll('/', '-').replace('.html', '')}-${theme}-${width}.png`),
                                    fullPage: true,
                                });
                            }
                        }
                        await page.close();
                    }
                    assert.deepEqual(problems, []);
                });
            });
        }
    }

    test('has figures that hold their words', {timeout: 120_000}, async () => {
        await inContext({}, async context => {
            const problems = [];
            for (const name of READ) {
                const page = await open(context, origin + name, problems);
                problems.push(...(await page.evaluate(wordsInFigures)).map(what => `${name}: ${what}`));
                await page.close();
            }
            assert.deepEqual(problems, []);
        });
    });

    test('works from a file, and when printed as one', {timeout: 120_000}, async () => {
        await inContext({}, async context => {
            const problems = [];
            for (const name of PAGES) {
                const page = await open(context, pathToFileURL(join(book, name)).href, problems);
                await page.close();
            }
            assert.deepEqual(problems, []);
        });
    });

    test('can be read without JavaScript', {timeout: 120_000}, async () => {
        await inContext({javaScriptEnabled: false, width: 390}, async context => {
            const problems = [];
            for (const name of READ) {
                const page = await open(context, pathToFileURL(join(book, name)).href, problems);
                problems.push(...(await sticksOut(page)).map(what => `${name}: ${what} is wider than the page`));
                assert.ok((await page.locator('main').innerText()).length > 100, name);
                await page.close();
            }
            assert.deepEqual(problems, []);
        });
    });
});

describe('the keyboard', {concurrency: 3}, () => {
    for (const width of WIDTHS) {
        test(`opens and closes the contents at ${width} px`, async () => {
            await inContext({width}, async context => {
                const page = await open(context, origin + 'index.html');
                const link = page.locator('#mdbook-sidebar a').nth(1);
                const wasOpen = width > 1080;
                assert.equal(await onScreen(link), wasOpen);
                await page.keyboard.press('Tab');
                assert.equal(await page.evaluate(() => document.activeElement.id), 'mdbook-sidebar-toggle-anchor');
                await page.keyboard.press('Space');
                await eventually(async () => await onScreen(link) === !wasOpen, 'the contents have moved');
                assert.equal(
                    await page.locator('#mdbook-sidebar-toggle-anchor').getAttribute('aria-expanded'), String(!wasOpen));
                await page.keyboard.press('Enter');
                await eventually(async () => await onScreen(link) === wasOpen, 'the contents have moved back');
            });
        });
    }

    test('reaches every passage that scrolls sideways', async () => {
        await inContext({width: 390}, async context => {
            for (const name of READ) {
                const page = await open(context, origin + name);
                const missed = await page.evaluate(async () => {
                    document.querySelectorAll('main details').forEach(details => {
                        details.open = true;
                    });
                    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
                    return [...document.querySelectorAll('main .table-wrapper, main pre > code')]
                        .filter(one => one.scrollWidth > one.clientWidth + 1 && one.tabIndex !== 0)
                        .map(one => one.textContent.slice(0, 40));
                });
                assert.deepEqual(missed, [], name);
                await page.close();
            }
        });
    });
});

describe('a quiz', {concurrency: 3, skip: QUIZZES.length === 0 && 'no page has one'}, () => {
    test('is answered with the keyboard alone, and remembered', {timeout: 60_000}, async () => {
        for (const start of [origin, pathToFileURL(book).href + '/']) {
            await inContext({}, async context => {
                const url = start + QUIZZES[0];
                const page = await open(context, url);
                const quiz = page.locator('lab-quiz:has(input[type=radio])').first();
                const count = await quiz.locator('input').count();
                assert.equal(await quiz.locator('.why:visible').count(), 0, 'nothing is explained yet');

                await quiz.locator('input').first().focus();
                await page.keyboard.press('Tab');
                assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Check');
                await page.keyboard.press('Enter');
                assert.match(await quiz.locator('.verdict').innerText(), /Choose/);
                await page.keyboard.press('Shift+Tab');
                await page.keyboard.press('Space');

                // From option to option, by the keys that would turn the page.
                let right = false;
                for (let tried = 0; tried < count && !right; tried++) {
                    if (tried > 0) {
                        await page.keyboard.press('Shift+Tab');
                        await page.keyboard.press('ArrowRight');
                    }
                    assert.equal(page.url(), url, 'the page has not turned');
                    await page.keyboard.press('Tab');
                    await page.keyboard.press('Enter');
                    right = (await quiz.locator('.verdict').innerText()).startsWith('Right.');
                    assert.ok(await quiz.locator('.why:visible').count() >= 1, 'the choice is explained');
                    if (!right) {
                        // Focus stays at the button; the next one back is the chosen option.
                        assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Check');
                    }
                }
                assert.ok(right, 'one of the options is right');
                assert.equal(await quiz.locator('.why:visible').count(), count, 'every option is explained');
                assert.deepEqual(await accessibility(page), []);

                await page.reload();
                assert.match(await quiz.locator('.verdict').innerText(), /^Right\./, 'the answer is remembered');
                await quiz.getByRole('button', {name: 'Again'}).click();
                assert.equal(await quiz.locator('.why:visible').count(), 0, 'and can be forgotten');
            });
        }
    });

    test('has several right options only where it shows boxes', async () => {
        await inContext({}, async context => {
            for (const name of QUIZZES) {
                const page = await open(context, origin + name);
                for (const quiz of await page.locator('lab-quiz').all()) {
                    const question = await quiz.locator('legend').innerText();
                    const first = quiz.locator('input').first();
                    if (await first.getAttribute('type') === 'checkbox') {
                        // Everything at once is wrong, or too easy.
                        for (const box of await quiz.locator('input').all()) {
                            await box.check();
                        }
                    } else {
                        await first.check();
                    }
                    await quiz.getByRole('button', {name: 'Check'}).click();
                    assert.notEqual(await quiz.locator('.verdict').innerText(), '', question);
                    if (await quiz.getByRole('button', {name: 'Show the answer'}).isVisible()) {
                        await quiz.getByRole('button', {name: 'Show the answer'}).click();
                    }
                    for (const why of await quiz.locator('.why').all()) {
                        const text = await why.innerText();
                        assert.ok(text.trim().length > 10, `“${question}” explains: ${text}`);
                    }
                }
                await page.close();
            }
        });
    });

    for (const width of WIDTHS) {
        test(`can be read without JavaScript at ${width} px, and gives nothing away`, {timeout: 60_000}, async () => {
            await inContext({javaScriptEnabled: false, width}, async context => {
                for (const name of QUIZZES) {
                    const page = await open(context, pathToFileURL(join(book, name)).href);
                    const told = await page.evaluate(tellsWithoutScript);
                    assert.deepEqual(told, [], name);
                    const quiz = page.locator('lab-quiz').first();
                    assert.ok(await quiz.locator('> :first-child').isVisible(), 'the question');
                    // Ticked or not, it looks the same.
                    const asWritten = await quiz.screenshot();
                    await quiz.evaluate(quiz => quiz.querySelectorAll('input').forEach(box => box.toggleAttribute('checked')));
                    assert.ok(asWritten.equals(await quiz.screenshot()), `${name}: the ticks show`);
                    await page.close();
                }
            });
        });
    }

    test('gives nothing away on paper, answered or not', {timeout: 60_000}, async () => {
        await inContext({}, async context => {
            const page = await open(context, origin + QUIZZES[0]);
            const quiz = page.locator('lab-quiz').first();
            await page.emulateMedia({media: 'print'});
            const fresh = await quiz.screenshot();
            await page.emulateMedia({media: 'screen'});
            await quiz.locator('input').first().check();
            await quiz.getByRole('button', {name: 'Check'}).click();
            if (await quiz.getByRole('button', {name: 'Show the answer'}).isVisible()) {
                await quiz.getByRole('button', {name: 'Show the answer'}).click();
            }
            await page.evaluate(() => document.activeElement.blur());
            await page.emulateMedia({media: 'print'});
            assert.equal(await quiz.locator('.why:visible').count(), 0);
            assert.ok(fresh.equals(await quiz.screenshot()), 'an answered quiz prints like a fresh one');
        });
    });
});

describe('search', {concurrency: 3}, () => {
    for (const [where, start] of [['a server', () => origin], ['a file', () => pathToFileURL(book).href + '/']]) {
        test(`finds English and Chinese words, from ${where}`, {timeout: 60_000}, async () => {
            await inContext({}, async context => {
                const problems = [];
                const page = await open(context, start() + 'index.html', problems);
                // 握手 is part of a word, 粘包 a whole one; "andshak" is no word at all.
                for (const term of ['handshake', '粘包', '握手', 'andshak']) {
                    await page.keyboard.press('Escape');
                    await page.keyboard.press('/');
                    await page.locator('#mdbook-searchbar').fill('');
                    await page.keyboard.type(term);
                    await eventually(
                        async () => await page.locator('#mdbook-searchresults li').count() > 0, `${term} is found`);
                    assert.doesNotMatch(await page.locator('#mdbook-searchresults-header').innerText(), /^No/);
                }
                await page.locator('#mdbook-searchbar').fill('粘包');
                const first = page.locator('#mdbook-searchresults a').first();
                await eventually(async () => /glossary.*#sticky-packets/.test(await first.getAttribute('href')), 'the term comes first');
                await first.click();
                await page.waitForURL(/glossary\.html.*#sticky-packets/);
                assert.deepEqual(problems, []);
            });
        });
    }
});

// Helpers ---------------------------------------------------------------------

/** Words that a figure cuts off at its edge, or writes over others. Runs in the page. */
function wordsInFigures() {
    document.querySelectorAll('main details').forEach(details => {
        details.open = true;
    });
    const problems = [];
    for (const figure of document.querySelectorAll('main svg[role=img]')) {
        const edge = figure.getBoundingClientRect();
        const scale = edge.width / figure.viewBox.baseVal.width;
        const title = figure.querySelector('title').textContent;
        const words = [...figure.querySelectorAll('text')].map(text => ({
            said: text.textContent,
            box: text.getBoundingClientRect(),
        }));
        words.forEach(({said, box}, index) => {
            const out = Math.max(edge.left - box.left, box.right - edge.right, edge.top - box.top, box.bottom - edge.bottom);
            if (out > scale) {
                problems.push(`“${title}”: “${said}” is cut off`);
            }
            for (const other of words.slice(index + 1)) {
                const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
                const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
                // Boxes hold the room for accents and descenders too: they may touch.
                if (wide > scale && high > 6 * scale) {
                    problems.push(`“${title}”: “${said}” and “${other.said}” overlap`);
                }
            }
        });
    }
    return problems;
}

async function inContext({width = 1280, ...options}, act) {
    const context = await browser.newContext({
        viewport: {width, height: width < 600 ? 844 : 900},
        reducedMotion: 'reduce',
        ...options,
    });
    context.setDefaultTimeout(20_000);
    await context.addInitScript(() => {
        window.print = () => {};
    });
    try {
        await act(context);
    } finally {
        await context.close();
    }
}

/** Opens a page. What goes wrong on it is added to `problems`, or thrown where there are none. */
async function open(context, url, problems) {
    const page = await context.newPage();
    const complain = what => {
        const line = `${url}: ${what}`;
        if (!problems) {
            throw new Error(line);
        }
        problems.push(line);
    };
    page.on('console', message => message.type() === 'error' && complain(`console: ${message.text()}`));
    page.on('pageerror', error => complain(`error: ${error.message}`));
    page.on('requestfailed', request => complain(`failed: ${request.url()}`));
    page.on('request', request => {
        const inside = [origin, pathToFileURL(book).href, 'data:', 'about:'].some(start => request.url().startsWith(start));
        if (!inside) {
            complain(`outside request: ${request.url()}`);
        }
    });
    await page.goto(url, {waitUntil: 'load'});
    return page;
}

/** What reaches beyond the right edge without a scroll bar of its own around it. */
function sticksOut(page) {
    return page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const scrolls = element => {
            for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
                if (at.matches('main')) {
                    return false;
                }
                if (/auto|scroll/.test(getComputedStyle(at).overflowX)) {
                    return true;
                }
            }
            return false;
        };
        const found = [...document.querySelectorAll('main *')].filter(element =>
            element.getBoundingClientRect().right > width + 1 && element.checkVisibility() && !scrolls(element));
        if (document.documentElement.scrollWidth > width) {
            found.unshift(document.documentElement);
        }
        return found.slice(0, 5).map(element => `<${element.localName}> ${element.textContent.trim().slice(0, 40)}`);
    });
}

/** Chooses a theme as a reader does, from the menu. */
async function choose(page, theme) {
    await page.evaluate(theme => document.getElementById(`mdbook-theme-${theme}`).click(), theme);
    assert.ok(await page.evaluate(theme => document.documentElement.classList.contains(theme), theme));
}

/** What axe calls serious or critical, with everything that folds unfolded. */
async function accessibility(page, rules) {
    if (!await page.evaluate(() => 'axe' in window)) {
        await page.evaluate(axe);
    }
    return page.evaluate(async rules => {
        for (const details of document.querySelectorAll('main details')) {
            details.open = true;
        }
        // The page's own script looks at what has become visible.
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        const options = {resultTypes: ['violations']};
        if (rules) {
            options.runOnly = {type: 'rule', values: rules};
        }
        const {violations} = await window.axe.run(document, {...options, preload: false});
        return violations
            .filter(({impact}) => impact === 'serious' || impact === 'critical')
            .flatMap(({id, nodes}) => nodes.slice(0, 3).map(node => `${id}: ${node.target.join(' ')}: ${node.any[0]?.message ?? ''}`));
    }, rules);
}

/** Runs in a page whose scripts are off: explanations and boxes that a reader can see. */
function tellsWithoutScript() {
    const told = [];
    for (const item of document.querySelectorAll('lab-quiz li')) {
        const box = item.querySelector('input');
        if (box && box.checkVisibility()) {
            told.push(`a box: ${item.textContent.trim().slice(0, 40)}`);
        }
        const frame = item.getBoundingClientRect();
        if (frame.height < 8) {
            told.push(`nothing to read: ${item.textContent.trim().slice(0, 40)}`);
        }
        const walker = document.createTreeWalker(item, NodeFilter.SHOW_TEXT);
        let started = false;
        let first = null;
        while (walker.nextNode()) {
            const text = walker.currentNode;
            for (const match of text.data.matchAll(/[^\n]*\S[^\n]*/g)) {
                const range = document.createRange();
                range.setStart(text, match.index);
                range.setEnd(text, match.index + match[0].length);
                const place = range.getBoundingClientRect();
                if (place.height === 0) {
                    continue;
                }
                first ??= place;
                // A later line of the option's own paragraph must lie below the cut.
                const paragraph = text.parentElement.closest('p, li');
                const cut = paragraph.getBoundingClientRect().bottom;
                const lone = getComputedStyle(paragraph).whiteSpace === 'pre';
                if (lone && started && place.top > first.top + first.height && place.top < cut - 2) {
                    told.push(`an explanation: ${match[0].trim().slice(0, 40)}`);
                }
                started = true;
            }
        }
    }
    return told;
}

async function onScreen(locator) {
    const box = await locator.boundingBox();
    return Boolean(box) && box.x >= 0 && await locator.isVisible();
}

/** Waits for a condition; there is no fixed time that is always enough. */
async function eventually(holds, what) {
    const deadline = Date.now() + 10_000;
    while (!await holds().catch(() => false)) {
        assert.ok(Date.now() < deadline, `in vain: ${what}`);
        await new Promise(again => setTimeout(again, 20));
    }
}

function serve(request, response) {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    let file = join(book, path);
    if (file.endsWith(sep)) {
        file = join(file, 'index.html');
    }
    if (!file.startsWith(book) || !existsSync(file) || !statSync(file).isFile()) {
        response.writeHead(404).end();
        return;
    }
    const types = {'.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.png': 'image/png'};
    response.writeHead(200, {'content-type': types[extname(file)] ?? 'application/octet-stream'});
    response.end(readFileSync(file));
}

function pagesIn(folder, below = '') {
    return readdirSync(join(folder, below), {withFileTypes: true})
        .flatMap(entry => {
            const path = below ? `${below}/${entry.name}` : entry.name;
            return entry.isDirectory() ? pagesIn(folder, path) : path.endsWith('.html') ? [path] : [];
        })
        .sort();
}

function findChromium() {
    const runnable = path => {
        try {
            accessSync(path, constants.X_OK);
            return statSync(path).isFile();
        } catch {
            return false;
        }
    };
    if (process.env.CHROMIUM) {
        return runnable(process.env.CHROMIUM)
            ? process.env.CHROMIUM
            : stop(`CHROMIUM names ${process.env.CHROMIUM}, which is no program.`);
    }
    const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe', 'msedge.exe'];
    return (process.env.PATH ?? '').split(delimiter)
        .flatMap(folder => names.map(name => join(folder, name)))
        .find(runnable);
}

function stop(why) {
    console.error(`error: ${why}`);
    process.exit(2);
}

// What the book's pages do beyond mdBook: quizzes, finding Chinese words, the keyboard.
// A classic script, because modules do not load from file://. Every part works alone.
'use strict';

// <lab-quiz> turns a Markdown task list into a question that can be answered.
//
// The first list in it holds the options. An option is the first line (or, with blank
// lines between, the first paragraph) of its item; the rest of the item explains it. One
// ticked option makes radio buttons, several make check boxes. Answers are kept in the
// browser's own storage, under the page's path and the question's words.
customElements.define('lab-quiz', class extends HTMLElement {
    connectedCallback() {
        const list = this.querySelector(':scope > ul');
        if (!list || this.querySelector('form')) {
            return;
        }
        const items = [...list.children].filter(item => item.querySelector('input[type=checkbox]'));
        const right = items.map(item => item.querySelector('input[type=checkbox]').checked);
        const single = right.filter(Boolean).length === 1;
        const id = 'quiz-' + ([...document.querySelectorAll('lab-quiz')].indexOf(this) + 1);

        const form = make('form', {noValidate: true});
        const field = make('fieldset');
        const legend = make('legend');
        const question = this.firstElementChild === list ? null : this.firstElementChild;
        if (question) {
            legend.append(...question.childNodes);
            question.remove();
        }
        field.append(legend);
        // Code or a figure that belongs to the question.
        while (this.firstElementChild && this.firstElementChild !== list) {
            field.append(this.firstElementChild);
        }

        const options = items.map((item, index) => {
            const {text, why} = split(item);
            const input = make('input', {type: single ? 'radio' : 'checkbox', name: id});
            const label = make('label');
            const words = make('span');
            words.append(...text);
            label.append(input, words);
            const explained = make('div', {className: 'why', id: `${id}-${index}`, hidden: true});
            explained.append(...why);
            const option = make('div', {className: 'option'});
            option.append(label, explained);
            field.append(option);
            return {option, input, explained, right: right[index]};
        });

        const check = make('button', {type: 'submit', textContent: 'Check'});
        const show = make('button', {type: 'button', className: 'quiet', textContent: 'Show the answer', hidden: true});
        const again = make('button', {type: 'button', className: 'quiet', textContent: 'Again', hidden: true});
        const verdict = make('p', {className: 'verdict'});
        verdict.setAttribute('role', 'status');
        const actions = make('div', {className: 'actions'});
        actions.append(check, show, again, verdict);
        form.append(field, actions);
        list.remove();
        this.append(form);

        const key = `wirelab-quiz:${location.pathname}:${legend.textContent.trim()}`;
        const explain = which => {
            for (const {option, input, explained, right} of options.filter(which)) {
                explained.hidden = false;
                // mdBook has a class `right` that floats.
                option.classList.add(right ? 'is-right' : 'is-wrong');
                input.setAttribute('aria-describedby', explained.id);
            }
        };
        const finish = words => {
            explain(() => true);
            verdict.textContent = words;
            check.hidden = show.hidden = true;
            again.hidden = false;
        };
        const judge = () => {
            const chosen = options.filter(({input}) => input.checked);
            if (chosen.length === 0) {
                verdict.textContent = single ? 'Choose an option first.' : 'Choose one or more options first.';
                return;
            }
            if (options.every(({input, right}) => input.checked === right)) {
                finish('Right. Each option has its reason.');
                return;
            }
            explain(({input}) => input.checked);
            show.hidden = false;
            verdict.textContent = chosen.every(({right}) => right)
                ? 'Right so far, and not complete.'
                : 'Not yet. Read why, and choose again.';
        };
        const clear = () => {
            for (const {option, input, explained} of options) {
                explained.hidden = true;
                option.classList.remove('is-right', 'is-wrong');
                input.removeAttribute('aria-describedby');
            }
            verdict.textContent = '';
            check.hidden = false;
            show.hidden = again.hidden = true;
        };
        form.addEventListener('submit', event => {
            event.preventDefault();
            clear();
            judge();
            store(key, options.map(({input}) => input.checked ? 1 : 0).join(''));
        });
        form.addEventListener('change', () => again.hidden || clear());
        show.addEventListener('click', () => {
            for (const {input, right} of options) {
                input.checked = right;
            }
            finish('This is the answer.');
            again.focus();
        });
        again.addEventListener('click', () => {
            form.reset();
            clear();
            store(key, null);
            options[0].input.focus();
        });
        // ← and → choose an option here; to mdBook they turn the page.
        form.addEventListener('keydown', event => {
            if (event.key !== 'Escape') {
                event.stopPropagation();
            }
        });

        const kept = store(key);
        if (kept && kept.length === options.length) {
            options.forEach(({input}, index) => input.checked = kept[index] === '1');
            judge();
        }

        // An item's nodes: those of its first line or paragraph, and those after it.
        function split(item) {
            item.querySelector('input[type=checkbox]').remove();
            const isBlock = node => node.nodeType === Node.ELEMENT_NODE && node.matches('p, pre, ul, ol, blockquote, div, details');
            const blocks = [...item.children].filter(isBlock);
            const paragraph = blocks.length > 0 && blocks[0].matches('p') ? blocks[0] : null;
            if (paragraph && blocks.length > 1) {
                paragraph.remove();
                return {text: [...paragraph.childNodes], why: [...item.childNodes]};
            }
            const line = paragraph || item;
            line.normalize();
            if (line.firstChild.nodeType === Node.TEXT_NODE) {
                line.firstChild.data = line.firstChild.data.trimStart();
            }
            const nodes = [...line.childNodes];
            const last = nodes.find(node => isBlock(node) || (node.nodeType === Node.TEXT_NODE && node.data.includes('\n')));
            if (!last) {
                return {text: nodes, why: []};
            }
            const rest = isBlock(last) ? last : last.splitText(last.data.indexOf('\n'));
            const all = [...line.childNodes];
            return {text: all.slice(0, all.indexOf(rest)), why: all.slice(all.indexOf(rest))};
        }
    }
});

function make(name, properties) {
    return Object.assign(document.createElement(name), properties);
}

// Reads without a value, forgets with null. Storage may be forbidden, from file:// above all.
function store(key, value) {
    try {
        if (value === undefined) {
            return localStorage.getItem(key);
        }
        if (value === null) {
            localStorage.removeItem(key);
        } else {
            localStorage.setItem(key, value);
        }
    } catch { /* then nothing is remembered */ }
    return null;
}

// mdBook's search knows English words only: it finds nothing in Chinese, and no part of a
// word. The index holds the whole text, so where it finds nothing, look for the letters.
(function findLetters() {
    const bar = document.getElementById('mdbook-searchbar');
    const results = document.getElementById('mdbook-searchresults');
    const header = document.getElementById('mdbook-searchresults-header');
    if (!bar || !results || !header) {
        return;
    }
    // Pasting and speaking press no key.
    bar.addEventListener('input', () => bar.dispatchEvent(new KeyboardEvent('keyup')));
    new MutationObserver(() => {
        const term = bar.value.trim();
        const index = window.search && window.search.index;
        if (!index || results.children.length > 0 || term === '') {
            return;
        }
        const wanted = term.toLowerCase();
        const found = Object.values(index.documentStore.docs)
            .map(doc => ({doc, at: doc.body.toLowerCase().indexOf(wanted), title: doc.title.toLowerCase().includes(wanted)}))
            .filter(({at, title}) => at >= 0 || title)
            .sort((one, other) => other.title - one.title)
            .slice(0, 30);
        for (const {doc, at} of found) {
            const [page, fragment = ''] = window.search.doc_urls[doc.id].split('#');
            const link = make('a', {
                href: `${path_to_root}${page}?highlight=${encodeURIComponent(term)}#${fragment}`,
                innerHTML: doc.breadcrumbs,
            });
            const teaser = make('span', {className: 'teaser'});
            if (at >= 0) {
                const start = Math.max(0, at - 40);
                teaser.append(
                    (start > 0 ? '…' : '') + doc.body.slice(start, at),
                    make('em', {textContent: doc.body.slice(at, at + term.length)}),
                    doc.body.slice(at + term.length, at + term.length + 80) + '…');
            }
            const item = make('li');
            item.append(link, teaser);
            results.append(item);
        }
        if (found.length > 0) {
            header.innerText = `${found.length} ${found.length === 1 ? 'passage' : 'passages'} with '${term}':`;
        }
    }).observe(header, {childList: true, characterData: true, subtree: true});
})();

// The style sheet lets Tab reach the checkbox that opens the sidebar. mdBook takes the
// sidebar out of the page while it is closed, and puts it back on a click only.
(function openSidebarByKey() {
    const box = document.getElementById('mdbook-sidebar-toggle-anchor');
    const bar = document.getElementById('mdbook-sidebar');
    const button = document.getElementById('mdbook-sidebar-toggle');
    if (!box || !bar || !button) {
        return;
    }
    const tell = () => {
        button.removeAttribute('aria-expanded');
        button.removeAttribute('aria-controls');
        box.setAttribute('aria-expanded', box.checked);
        box.setAttribute('aria-controls', bar.id);
    };
    // A label may not have a name of its own; the box that it belongs to may.
    box.setAttribute('aria-label', button.title || 'Table of contents');
    button.removeAttribute('aria-label');
    // Ahead of mdBook's listener, which starts the slide.
    box.addEventListener('change', () => box.checked && (bar.style.display = ''), true);
    box.addEventListener('change', () => setTimeout(tell));
    box.addEventListener('keydown', event => {
        if (event.key === 'Enter') {
            box.click();
        }
    });
    tell();
})();

// A line may end behind any hyphen, and style sheets cannot forbid it: `--out` is no word in two.
(function keepOptionsWhole() {
    for (const code of document.querySelectorAll('main :not(pre) > code')) {
        const text = code.textContent;
        code.classList.toggle('whole', text.length <= (text.includes(' ') ? 20 : 28));
    }
})();

// What scrolls sideways must be reachable without a mouse.
(function scrollByKey() {
    const wide = document.querySelectorAll('.table-wrapper, main pre > code');
    const watch = new ResizeObserver(entries => {
        for (const {target} of entries) {
            if (target.scrollWidth > target.clientWidth + 1) {
                target.tabIndex = 0;
            } else {
                target.removeAttribute('tabindex');
            }
        }
    });
    wide.forEach(element => watch.observe(element));
})();

// Colours for the languages of this book, in place of the highlighter that mdBook ships:
// that one knows forty languages and is heavier than all the rest of a page together.
// It offers what mdBook's book.js calls, and uses the same class names.
'use strict';
window.hljs = (() => {
    const words = text => new RegExp('\\b(?:' + text.trim().replace(/\s+/g, '|') + ')\\b');
    const number = /\b(?:0x[\da-f_]+|0b[01_]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)(?:[iu](?:8|16|32|64|128|size)|f32|f64)?\b/i;
    const called = /\b[a-z_]\w*(?=\()/;
    const cComment = /\/\/.*|\/\*[^]*?(?:\*\/|$)/;
    const doubled = /"(?:\\[^]|[^"\\])*"?/;
    const languages = {
        rust: [
            ['comment', cComment],
            ['string', /\bb?r(#*)"[^]*?"\1|(?:\bb)?"(?:\\[^]|[^"\\])*"?|(?:\bb)?'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\\n])'/],
            ['symbol', /'[a-z_]\w*/],
            ['meta', /#!?\[[^\]]*\]/],
            ['keyword', words(`as async await break const continue crate dyn else enum extern fn for if impl in let
                loop match mod move mut pub ref return self static struct super trait type unsafe use where while`)],
            ['literal', words('true false')],
            ['built_in', /\b[a-z_]\w*!/],
            ['type', /\b(?:[A-Z]\w*|[iu](?:8|16|32|64|128|size)|f32|f64|bool|str|char)\b/],
            ['number', number],
            ['title', called],
        ],
        c: [
            ['comment', cComment],
            ['meta', /^[ \t]*#.*$/m],
            ['string', /"(?:\\[^]|[^"\\\n])*"?|'(?:\\.|[^'\\\n])+'/],
            ['keyword', words('break case const continue default do else enum extern for goto if return sizeof static struct switch typedef union while')],
            ['type', /\b(?:void|char|short|int|long|unsigned|signed|float|double|bool|[a-z_]\w*_t)\b/],
            ['literal', /\b[A-Z][A-Z\d_]+\b/],
            ['number', number],
            ['title', called],
        ],
        python: [
            ['comment', /#.*/],
            ['string', /(?:\b[bruf]{1,2})?(?:"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)/],
            ['meta', /^[ \t]*@\w[\w.]*/m],
            ['keyword', words(`and as assert async await break class continue def del elif else except finally for from global
                if import in is lambda nonlocal not or pass raise return try while with yield`)],
            ['literal', words('True False None')],
            ['number', number],
            ['title', called],
        ],
        console: [
            ['comment', /^# .*$/m],
            ['meta', /^(?:\w+)?\$(?= )/m],
        ],
        toml: [
            ['comment', /#.*/],
            ['section', /^\s*\[.*\]\s*$/m],
            ['string', doubled],
            ['attr', /^[ \t]*[\w.-]+(?=\s*=)/m],
            ['literal', words('true false')],
            ['number', number],
        ],
        json: [
            ['attr', /"(?:\\.|[^"\\])*"(?=\s*:)/],
            ['string', doubled],
            ['literal', words('true false null')],
            ['number', number],
        ],
    };
    const also = {rs: 'rust', sh: 'console', bash: 'console', shell: 'console', text: 'console', h: 'c', py: 'python'};

    // One expression with a group for each kind of word; the first that fits wins.
    const expressions = {};
    function expression(name) {
        if (!expressions[name]) {
            let group = 0;
            const groups = [];
            const source = languages[name].map(([kind, part]) => {
                groups.push([++group, kind]);
                const inner = new RegExp(part.source + '|').exec('').length - 1;
                // A reference within a part counts from that part's own groups.
                const shifted = part.source.replace(/\\([1-9])/g, (_, n) => '\\' + (Number(n) + group));
                group += inner;
                return `(${shifted})`;
            }).join('|');
            expressions[name] = {groups, finder: new RegExp(source, 'gm')};
        }
        return expressions[name];
    }

    function highlightBlock(block) {
        const language = [...block.classList]
            .map(name => name.replace(/^language-/, ''))
            .map(name => also[name] || name)
            .find(name => Object.hasOwn(languages, name));
        if (!language) {
            return;
        }
        const {groups, finder} = expression(language);
        const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
        const texts = [];
        while (walker.nextNode()) {
            texts.push(walker.currentNode);
        }
        for (const text of texts) {
            const parts = [];
            let end = 0;
            for (const found of text.data.matchAll(finder)) {
                if (found[0] === '') {
                    continue;
                }
                const [, kind] = groups.find(([group]) => found[group] !== undefined);
                const span = document.createElement('span');
                span.className = 'hljs-' + kind;
                span.textContent = found[0];
                parts.push(text.data.slice(end, found.index), span);
                end = found.index + found[0].length;
            }
            text.replaceWith(...parts, text.data.slice(end));
        }
    }
    return {configure() {}, highlightBlock};
})();

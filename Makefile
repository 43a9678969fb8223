# Names for what cargo and npm do; nothing here that they do not do alone.
.DEFAULT_GOAL := help
.PHONY: help book serve test lab grade handout bench class slurm facts e2e interop soak captures derive ci

TIMES ?= 500
OUT ?= target/grades
DIR ?= target/handout

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { split($$2, text, " \\| "); printf "  make %-32s %s\n", $$1 " " text[2], text[1] }' $(MAKEFILE_LIST)

book: ## build the book into book/build
	cargo lab book

serve: ## build the book, serve it on this machine, open it
	cargo lab

test: ## run the tests of the crates, the solutions and the book's examples
	cargo test

lab: ## check one lab | LAB=tcp-echo
	cargo lab check $(LAB)

grade: ## grade a folder of submissions | SUBMISSIONS=dir [OUT=dir]
	cargo grade run $(SUBMISSIONS) --out $(OUT)

handout: ## make a learner's copy | [DIR=dir]
	cargo grade handout $(DIR)

bench: ## print the figures to reach | [BENCH=--clone] [CLASS=--students=40]
	cargo run --quiet --package wirelab --example bench -- $(BENCH)
	cargo run --quiet --package grader --example sandbox
	cargo run --quiet --package grader --example figures -- $(CLASS)

class: ## grade a made-up class of 200 with every lab, whose grades are known beforehand, twice: killed 20 times, and not
	cargo test --package grader --test known -- --ignored --nocapture --test-threads 1

slurm: ## grade a made-up class as a Slurm array on this machine alone (Debian, root) | [REQUEUE=--requeue]
	./machines/slurm-on-one-machine.sh $(REQUEUE)

facts: ## try on this system what the book states
	cargo run --quiet --package facts

e2e: book ## test the book in a browser
	cd book/e2e && npm ci --ignore-scripts && npm test

interop: ## hold the solutions against tshark and other programs
	WIRELAB_REQUIRE=tshark,netns,curl,nginx,python cargo test --test interop

soak: ## run all solutions' checks many times with every core busy | [TIMES=500]
	cargo lab soak --all --times $(TIMES) --busy

captures: ## make the captures of the labs anew (Linux)
	cargo run --package wire --example captures
	WIRELAB_BLESS=1 cargo test --package handshake-solution --test lists

derive: ## make the starters from the solutions
	cargo lab derive

ci: ## everything that must pass for a change to land
	./.ci/run

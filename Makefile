# Frontdesk's verbs, the same for people and for CI. `make` alone lists them.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run build dev test chaos bench check gen dist screenshots tools web
# A half-written file is no file.
.DELETE_ON_ERROR:

TARGET := $(or $(CARGO_TARGET_DIR),target)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
PLATFORM := $(shell uname -s | tr A-Z a-z)-$(shell uname -m)
PACKAGE := frontdesk-$(VERSION)-$(PLATFORM)

MODULES := web/node_modules/.package-lock.json
PAGES := web/dist/user/index.html
PAGE_SOURCES := $(shell find web/sdk/src web/ui/src web/user web/console -type f -not -path '*/test/*' -not -path '*/node_modules/*') \
	web/vite.config.ts web/tsconfig.json

help: ## list the verbs
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r verb words; do printf '  make %-12s %s\n' "$$verb" "$$words"; done

run: web ## build quickly and serve the demo on http://127.0.0.1:8000
	@cargo build -p frontdesk
	@exec $(TARGET)/debug/frontdesk serve --demo

build: web ## the release binary, with the pages inside: target/release/frontdesk
	@cargo build --release -p frontdesk --features jemalloc
	@echo "$(TARGET)/release/frontdesk"

dev: $(MODULES) ## server and pages behind http://127.0.0.1:5173, rebuilt as you edit
	@node scripts/dev.mjs

test: ## every test; installs what it lacks from Debian's packages
	@sh scripts/prepare-tests.sh
	@$(MAKE) web
	@node scripts/test.mjs

# The profiles `loss` and `nodes` measure, so they are run as released.
CHAOS := $(if $(filter loss nodes,$(PROFILE)),release,debug)
CHAOS_BUILD := $(if $(filter loss nodes,$(PROFILE)),--release)
CHAOS_ARGS := $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(PROFILE),--profile $(PROFILE)) $(ARGS)

chaos: ## kills, power cuts, bad disks and wires, and the verdict; SEED=7 SECONDS=300, PROFILE=loss or nodes, ARGS=--help
	@cargo build -q $(CHAOS_BUILD) -p frontdesk $(if $(CHAOS_BUILD),--features jemalloc)
	@cargo build -q $(CHAOS_BUILD) -p frontdesk-bench --bin chaos
	@$(TARGET)/$(CHAOS)/chaos --server $(TARGET)/$(CHAOS)/frontdesk $(CHAOS_ARGS)

bench: ## measures all servers in turn, an hour, into docs/benchmarks.md; QUICK=1 for a look, ONLY=chat,storm for a part
	@sh scripts/prepare-bench.sh
	@$(MAKE) build
	@cargo build -q --release -p frontdesk-bench --bin load --bin bare
	@node scripts/bench.mjs $(ARGS)

check: web ## format, lints, types, walls between the parts, sizes, licences
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings
	@cargo test -q -p frontdesk --test it tidy
	@cd web && npx --no-install biome check . && npx --no-install tsc --noEmit
	@node scripts/sizes.mjs
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check licenses bans sources; \
	else echo "cargo-deny is not installed: licences and sources were not checked (cargo install cargo-deny)"; fi

gen: tools ## golden frames, TypeScript types and docs/openapi.json, made anew from the code
	@FRONTDESK_GEN=1 cargo test -q -p frontdesk-protocol
	@cargo build -q -p frontdesk
	@mkdir -p docs
	@$(TARGET)/debug/frontdesk openapi > $(TARGET)/openapi.json && mv $(TARGET)/openapi.json docs/openapi.json

dist: build ## the release as target/dist/frontdesk-VERSION-PLATFORM.tar.gz
	@mkdir -p $(TARGET)/dist/$(PACKAGE)
	@cp $(TARGET)/release/frontdesk LICENSE README.md $(TARGET)/dist/$(PACKAGE)/
	@tar -czf $(TARGET)/dist/$(PACKAGE).tar.gz -C $(TARGET)/dist $(PACKAGE)
	@rm -r $(TARGET)/dist/$(PACKAGE)
	@echo "$(TARGET)/dist/$(PACKAGE).tar.gz"

screenshots: web ## the README's pictures, taken from the demo: docs/images
	@sh scripts/need.sh chromium
	@cargo build -q -p frontdesk
	@node scripts/screenshots.mjs

web: $(PAGES)

tools:
	@sh scripts/need.sh rust node

$(MODULES): web/package-lock.json | tools
	@echo "Installing the pages' packages"
	@cd web && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# The pages are made in one go, so one of them stands for all.
$(PAGES): $(MODULES) $(PAGE_SOURCES)
	@echo "Building the pages"
	@cd web && npx --no-install vite build --logLevel error
	@touch $@

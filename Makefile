# Everything a newcomer needs: `make help`. Only Python 3.11 or later, git and make are required.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BROWSER := $(VENV)/.browser
export CUSTOM_COMPILE_COMMAND := make requirements
# Also where the shell says otherwise, compiled modules are kept: each process starts in half the time.
unexport PYTHONDONTWRITEBYTECODE
AUDIT := .venv-audit
COMPILE := $(BIN)/pip-compile --quiet --upgrade --strip-extras --generate-hashes --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

AT = $(if $(PORT),--port $(PORT))

.DEFAULT_GOAL := help
.PHONY: help demo test test-only test-versions test-long lint format translations bench bench-proposals screenshots marketplace requirements sbom audit deploy deployable clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Tell the story on a sandbox domain, then serve it; FRESH=1: with nothing set up; PORT=8081
	@if [ -n '$(FRESH)' ]; then exec $(BIN)/python -m addon demo --fresh $(AT); \
	elif [ -t 0 ]; then exec $(BIN)/python -m addon demo $(AT); \
	else exec $(BIN)/python -m addon demo --once $(AT); fi

test: lint test-only ## Run lint, then all tests, on all processors

test-only: $(READY) $(BROWSER)
	$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder $(TESTS)

test-versions: ## Run the tests on each Python at hand, in turn; TESTS=tests/planning: some of them
	@.ci/pythons | while read -r version python; do \
	  echo "Python $$version: $$python"; \
	  $(MAKE) --no-print-directory test-only PYTHON="$$python" VENV=".venv-$$version" </dev/null || exit 1; \
	done

test-long: $(READY) $(BROWSER) ## Explore for hours: thousands of examples, other ones each time
	$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder --hypothesis-profile=long

lint: $(READY) ## Check style, format, types and the order of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict addon
	$(BIN)/lint-imports --no-cache >/dev/null || { $(BIN)/lint-imports --no-cache; exit 1; }

format: $(READY) ## Fix style and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

translations: $(READY) ## Bring the English of the pages up to date; list what has none
	@$(BIN)/python -m tests.web.catalogue

bench: $(READY) ## Measure the hot paths
	$(BIN)/python -m bench

bench-proposals: $(READY) ## Measure how right the proposals are
	$(BIN)/python -m bench.proposals

screenshots: $(READY) $(BROWSER) ## Take the pictures in docs/screenshots again
	$(BIN)/python -m tests.browser.screenshots

requirements: $(READY) ## Pin the newest versions that requirements*.in allow
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) requirements-audit.in --output-file requirements-audit.txt

sbom: ## Write what is deployed of others, CycloneDX, to var/sbom.json
	@mkdir -p var && $(PYTHON) .ci/sbom > var/sbom.json && echo var/sbom.json

audit: $(AUDIT)/.ready ## Ask whether advisories are known of what is deployed (pip-audit)
	@.ci/audit $(AUDIT)/bin/pip-audit

$(AUDIT)/.ready: requirements-audit.txt
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $< || { \
	  echo "pip-audit could not be installed: its source cannot be reached" >&2; exit 2; }
	@touch $@

# URL: what people write in their browsers, from SKOLSYNK_URL in $(SETTINGS) where it is not given.
URL ?= $(shell sed -n "s/^ *SKOLSYNK_URL: *[\"']\{0,1\}\([^\"' ]*\).*/\1/p" '$(SETTINGS)' 2>/dev/null)
MADE := var/marketplace

marketplace: ## Fill the host in the add-on's deployment: make marketplace URL=https://…
	@printf '%s' '$(URL)' | grep -Eqx 'https://[a-z0-9.-]+[a-z0-9](:[0-9]+)?/?' || { \
	  echo "Say where Skolsynk is: make marketplace URL=https://skolsynk.example.se" >&2; \
	  exit 2; }
	@mkdir -p $(MADE)
	@sed 's|https://HOST|$(URL:/=)|g' marketplace/deployment.json > $(MADE)/deployment.json
	@echo $(MADE)/deployment.json

# DRY=1 prints the commands instead of running them. See docs/deploy.md.
REGION ?= europe-west1
VENDORS ?= var/vendors.toml
SETTINGS ?= var/settings.yaml
# A version is the commit with the profiles and settings: what serves is never replaced in place.
GIVEN = cat '$(VENDORS)' '$(SETTINGS)' $(dir $(VENDORS))agreements/* 2>/dev/null
VERSION ?= $(shell git log -1 --date=format:%Y%m%d --format=%cd-%h)-$(shell $(GIVEN) | git hash-object --stdin | cut -c1-6)
# A setting of one's own stands in the place of that in app.yaml.
OWN = $(shell sed -n 's|^ *\(SKOLSYNK_[A-Z_]*\):.*|-e "/^  \1:/d"|p' '$(SETTINGS)' 2>/dev/null)
DEPLOYED := var/deploy
RUN = $(if $(DRY),printf '%s\n',sh -exc)
STEP = @$(RUN)
HERE := --project=$(PROJECT)
# Prints the commands that make the vendors' queues; DRY=1 has the profiles of the repository at need.
QUEUES = cd $(if $(DRY),.,$(DEPLOYED)) && $(abspath $(BIN))/python -m addon.tasks.queues \
	$(if $(DRY),$(or $(wildcard $(VENDORS)),vendors.toml),vendors.toml) $(HERE) --location=$(REGION)
# The add-on is deployed where the settings say who calls it.
ADD_ON = $(shell grep -s '^ *SKOLSYNK_ADDON_CLIENT_ID:' '$(SETTINGS)')
CARD = $(DEPLOYED)/$(MADE)/deployment.json
CARDS := gcloud workspace-add-ons deployments

deploy: deployable $(READY) ## Deploy the last commit to App Engine: make deploy PROJECT=my-project
	$(STEP) 'rm -rf $(DEPLOYED) && mkdir -p $(DEPLOYED)'
	$(STEP) 'git archive HEAD | tar -x -C $(DEPLOYED)'
	$(STEP) 'git show HEAD:app.yaml | sed -e "s/PROJECT/$(PROJECT)/g" -e "s/REGION/$(REGION)/g" $(OWN) -e "/^env_variables:/r $(SETTINGS)" > $(DEPLOYED)/app.yaml'
	$(STEP) 'cp $(VENDORS) $(DEPLOYED)/vendors.toml'
	$(STEP) 'if [ -d $(dir $(VENDORS))agreements ]; then cp -R $(dir $(VENDORS))agreements $(DEPLOYED)/; fi'
	@commands=$$($(QUEUES)) && $(RUN) "$$commands"
	$(STEP) 'gcloud app deploy $(DEPLOYED)/app.yaml $(HERE) --version=$(VERSION) --no-promote --service-account=skolsynk@$(PROJECT).iam.gserviceaccount.com --quiet'
	$(STEP) 'curl --fail --silent --show-error --retry 5 --retry-all-errors "$$(gcloud app versions describe $(VERSION) --service=default $(HERE) --format="value(versionUrl)")/readyz"'
	$(STEP) 'gcloud app services set-traffic default --splits=$(VERSION)=1 $(HERE) --quiet'
	$(STEP) 'gcloud app deploy $(DEPLOYED)/cron.yaml $(HERE) --quiet'
ifneq ($(ADD_ON),)
	$(STEP) '$(MAKE) --no-print-directory -C $(DEPLOYED) marketplace URL=$(URL)'
	$(STEP) 'if $(CARDS) describe skolsynk $(HERE) --quiet >/dev/null 2>&1; then $(CARDS) replace skolsynk --deployment-file=$(CARD) $(HERE) --quiet; else $(CARDS) create skolsynk --deployment-file=$(CARD) $(HERE) --quiet; fi'
else
	@echo "No add-on: $(SETTINGS) has no SKOLSYNK_ADDON_CLIENT_ID (docs/deploy.md, step 7)" >&2
endif

deployable:
	@printf '%s' '$(PROJECT)' | grep -Eqx '[a-z][a-z0-9-]{4,28}[a-z0-9]' || { \
	  echo "Say which Cloud project: make deploy PROJECT=my-project [REGION=$(REGION)] [DRY=1]" >&2; \
	  exit 2; }
	@test -n '$(DRY)' || test -f '$(VENDORS)' || { \
	  echo "There is no $(VENDORS): the vendor profiles to deploy (docs/deploy.md, step 6)" >&2; \
	  exit 2; }
	@test -n '$(DRY)' || test -f '$(SETTINGS)' || { \
	  echo "There is no $(SETTINGS): who signs people in, and where (docs/deploy.md, step 7)" >&2; \
	  exit 2; }
	@for name in SKOLSYNK_OPERATOR SKOLSYNK_CONTACT; do \
	  grep -qs "^ *$$name:" '$(SETTINGS)' || \
	  echo "$(SETTINGS) has no $$name: the public pages say the co-operative's (docs/deploy.md, step 7)" >&2; \
	done

clean: ## Remove the virtual environment and caches; var/ with its data stays
	rm -rf $(VENV) .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Skolsynk needs Python 3.11 or later, and $(PYTHON) is not that. Name one that is:" >&2; \
	  echo "  make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu:" >&2; \
	  echo "  sudo apt-get install python3-venv" >&2; \
	  echo "or name another Python: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@echo "Installing what is needed; this takes a minute or two"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@$(BIN)/python -m pip check --disable-pip-version-check >/dev/null || $(BIN)/python -m pip check
	@touch $@

# Asked for once; where there is none to be had, the tests that need it are skipped and say so.
$(BROWSER): tests/browser/install.sh | $(READY)
	@tests/browser/install.sh >/dev/null
	@touch $@

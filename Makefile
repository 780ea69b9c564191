# A thin door: each target is one script in .ci, which does its own set-up.

.PHONY: help demo pipeline optimize test coverage lint bench plots fuzz chaos compat dspy-release clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## answer questions from real documents over a pool of DSPy workers
	@.ci/demo

pipeline: ## run the README's pipeline on a program that serves it, and show each step
	@.ci/pipeline

optimize: ## let DSPy improve a step of that pipeline by a Swift metric, scored before and after
	@.ci/optimize

test: ## lint, and all tests of Swift and Python
	@.ci/test

coverage: ## line coverage of each target
	@.ci/coverage

lint: ## formatting of Swift; formatting, lint and types of Python
	@.ci/lint

bench: ## measure Krait beside its floor
	@.ci/bench

plots: ## measure anew and draw the pictures of the README
	@.ci/plots

fuzz: ## a million changed inputs for the parsers, under the sanitizers
	@.ci/fuzz

chaos: ## break a running daemon in every known way, and print the figures
	@.ci/chaos

compat: ## the integration suite on another DSPy than the pinned one
	@.ci/compat

dspy-release: ## take in the pinned release of DSPy, and say what has changed in it
	@.ci/dspy-release

clean: ## remove all that was built or installed in this folder
	@rm -rf .build .venv .venv-peers .venv-compat python/.mypy_cache python/.ruff_cache python/.pytest_cache

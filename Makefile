# Everything that is fetched or made lies below .dev/; `make clean` removes it.
PYTHON ?= python3
TOOL = exec $(PYTHON) -m devtools

# The seed and the number of calls of `make chaos` and how many processes of others are busy, the seed and the seconds of `make fuzz`
export SEED CALLS LOAD SECONDS
# What `make bench` measures, and whether in its short form
export QUICK PARTS

.PHONY: help setup run test test-all neighbours chaos bench figures guards mutants fuzz demo lint format i18n pictures dist clean

help:
	@echo "make run      start Odoo with the addon, demo data and a stand-in for Airtel; Ctrl-C ends it"
	@echo "make test     run the tests; ARGS=\"-k webhook\" runs only those Odoo tests"
	@echo "make neighbours  run tests of Odoo's own in a database with the addon and in one without, and"
	@echo "              compare; ARGS=\"crm sms\" compares those of these modules only"
	@echo "make test-all run every test in its long form, then the neighbours'"
	@echo "make chaos    break everything on purpose and count what is lost; SEED=1 CALLS=300 LOAD=2"
	@echo "make bench    measure speed and scale; QUICK=1, PARTS=\"report click\""
	@echo "make figures  show what make bench measured last in README, docs and drawing"
	@echo "make guards   remove each guard, in a copy, and see whether a test catches that"
	@echo "make mutants  change the plain core a little, often, and count what tests notice; ARGS=number"
	@echo "make fuzz     look for input that breaks a reader; SECONDS=60 each, SEED=1 ARGS=number"
	@echo "make demo     place a call on a demo lead, take one from it, and print what became of them"
	@echo "make lint     check style and house rules; make format mends what can be mended"
	@echo "make i18n     bring the template and the translations in line with the code"
	@echo "make pictures make the pictures of the page in Odoo's list of apps from the documentation's"
	@echo "make dist     make the zip and the wheel that people install, in dist/"
	@echo "make setup    fetch what the others need (they call it themselves)"
	@echo "make clean    remove everything that was fetched or made"
	@echo
	@echo "Variables: ODOO_PORT (8069), SANDBOX_PORT (8270), WORKERS (0), GEVENT_PORT (8072),"
	@echo "ODOO_SRC (a checkout of Odoo 19), ODOO_REPOSITORY (the repository to clone Odoo 19 from),"
	@echo "ODOO_UPDATE=1 (take what is new in it), PGHOST and its like (a PostgreSQL server of your own),"
	@echo "CHROMIUM (the browser's program), PYTHON (python3); for make test also JOBS (2) and"
	@echo "TEST_DATABASE (airtel_ccp_test)."
	@echo "Any Odoo command: .dev/bin/odoo, for example .dev/bin/odoo shell"

setup run test neighbours chaos bench figures guards mutants fuzz demo lint format i18n pictures dist clean:
	@$(TOOL) $@

test-all:
	@AIRTEL_CCP_LONG=1 JOBS=1 $(MAKE) test
	@$(MAKE) neighbours

export ARGS

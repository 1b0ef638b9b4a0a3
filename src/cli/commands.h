/* The commands for people: one file each; they may block. Each returns an exit code. */
#pragma once

int cli_status_main(int argc, char **argv);
int cli_plan_main(int argc, char **argv);
int cli_pause_main(int argc, char **argv);
int cli_resume_main(int argc, char **argv);
int cli_form_main(int argc, char **argv);
int cli_accept_loss_main(int argc, char **argv);
int cli_adopt_main(int argc, char **argv);
int cli_probe_main(int argc, char **argv);
int cli_render_main(int argc, char **argv);
int cli_settings_main(int argc, char **argv);
int cli_check_main(int argc, char **argv);
